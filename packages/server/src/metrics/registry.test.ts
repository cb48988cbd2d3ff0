import { describe, expect, it } from 'vitest';
import { exponentialBuckets } from './check.ts';
import { createRegistry } from './registry.ts';

describe('counters and gauges', () => {
  it('writes help, type and value of a metric without labels', () => {
    const registry = createRegistry();
    const ingested = registry.counter({ name: 'samples_ingested_total', help: 'Samples ingested' });
    const lanes = registry.gauge({ name: 'lanes', help: 'Lanes open' });
    ingested.inc();
    ingested.inc(41);
    lanes.set(5);
    lanes.inc();
    lanes.dec(3);
    expect(registry.render()).toBe(
      '# HELP lanes Lanes open\n# TYPE lanes gauge\nlanes 3\n' +
        '# HELP samples_ingested_total Samples ingested\n# TYPE samples_ingested_total counter\nsamples_ingested_total 42\n',
    );
  });

  it('keeps the order of the label names and of the children', () => {
    const registry = createRegistry();
    const scraped = registry.counter({ name: 'scraped', help: 'h', labelNames: ['job', 'instance'] });
    scraped.labels('z', 'a:1').inc(2);
    scraped.labels('a', 'z:1').inc(3);
    expect(samplesOf(registry.render())).toEqual([
      'scraped{job="z",instance="a:1"} 2',
      'scraped{job="a",instance="z:1"} 3',
    ]);
  });

  it('gives the same child for the same label values, whatever they contain', () => {
    const vector = createRegistry().counter({ name: 'c', help: 'h', labelNames: ['a', 'b'] });
    expect(vector.labels('x', 'y')).toBe(vector.labels('x', 'y'));
    expect(vector.labels('1:x', '')).not.toBe(vector.labels('1', ':x'));
    expect(vector.labels('a,b', 'c')).not.toBe(vector.labels('a', 'b,c'));
  });

  it('forgets a removed child', () => {
    const registry = createRegistry();
    const vector = registry.gauge({ name: 'g', help: 'h', labelNames: ['target'] });
    vector.labels('a').set(1);
    vector.labels('b').set(2);
    expect(vector.remove('a')).toBe(true);
    expect(vector.remove('a')).toBe(false);
    expect(samplesOf(registry.render())).toEqual(['g{target="b"} 2']);
  });

  it('refuses a wrong number of label values', () => {
    const vector = createRegistry().counter({ name: 'c', help: 'h', labelNames: ['a', 'b'] });
    const untyped = vector as unknown as { labels(...values: string[]): unknown };
    expect(() => untyped.labels('x')).toThrow('expected values for the labels a, b, found 1');
  });

  it('escapes label values and help, and writes special values', () => {
    const registry = createRegistry();
    const gauge = registry.gauge({ name: 'g', help: 'a "quote", a \\ and\na line', labelNames: ['path'] });
    gauge.labels('C:\\x\n"y"').set(Number.POSITIVE_INFINITY);
    gauge.labels('nan').set(Number.NaN);
    gauge.labels('minus').set(Number.NEGATIVE_INFINITY);
    gauge.labels('large').set(1e21);
    expect(registry.render().split('\n')).toEqual([
      '# HELP g a "quote", a \\\\ and\\na line',
      '# TYPE g gauge',
      'g{path="C:\\\\x\\n\\"y\\""} +Inf',
      'g{path="nan"} NaN',
      'g{path="minus"} -Inf',
      'g{path="large"} 1e+21',
      '',
    ]);
  });
});

describe('histograms', () => {
  it('counts an observation in every bucket that holds it', () => {
    const registry = createRegistry();
    const histogram = registry.histogram({ name: 'h', help: 'h', buckets: [0.1, 1, 10], labelNames: ['op'] });
    for (const value of [0.05, 0.1, 0.5, 5, 50]) histogram.labels('get').observe(value);
    expect(samplesOf(registry.render())).toEqual([
      'h_bucket{op="get",le="0.1"} 2',
      'h_bucket{op="get",le="1"} 3',
      'h_bucket{op="get",le="10"} 4',
      'h_bucket{op="get",le="+Inf"} 5',
      'h_sum{op="get"} 55.65',
      'h_count{op="get"} 5',
    ]);
  });

  it('counts NaN above every bound', () => {
    const registry = createRegistry();
    const histogram = registry.histogram({ name: 'h', help: 'h', buckets: [1] });
    histogram.observe(Number.NaN);
    expect(samplesOf(registry.render())).toEqual([
      'h_bucket{le="1"} 0',
      'h_bucket{le="+Inf"} 1',
      'h_sum NaN',
      'h_count 1',
    ]);
  });

  it('makes exponential bounds without rounding noise', () => {
    expect(exponentialBuckets(0.001, 2, 5)).toEqual([0.001, 0.002, 0.004, 0.008, 0.016]);
    expect(exponentialBuckets(0.1, 10, 4)).toEqual([0.1, 1, 10, 100]);
  });
});

describe('registration', () => {
  const registry = createRegistry();
  registry.histogram({ name: 'taken', help: 'h', buckets: [1] });

  it.each([
    ['', '"" is not a metric name'],
    ['1st', '"1st" is not a metric name'],
    ['a.b', '"a.b" is not a metric name'],
    ['taken', 'the name taken is taken'],
    ['taken_count', 'the name taken_count is taken'],
  ])('refuses the name %j', (name, message) => {
    expect(() => registry.gauge({ name, help: 'h' })).toThrow(message);
  });

  it.each([['__name'], ['a-b'], ['']])('refuses the label %j', (label) => {
    expect(() => registry.gauge({ name: 'fine', help: 'h', labelNames: [label] })).toThrow('cannot be a label');
  });

  it('refuses a label twice, and le on a histogram', () => {
    expect(() => registry.gauge({ name: 'fine', help: 'h', labelNames: ['a', 'a'] })).toThrow('named twice');
    expect(() => registry.histogram({ name: 'fine', help: 'h', buckets: [1], labelNames: ['le'] })).toThrow('label');
  });

  it.each([[[]], [[1, 1]], [[2, 1]], [[1, Number.POSITIVE_INFINITY]], [[Number.NaN]]])(
    'refuses the buckets %j',
    (buckets) => {
      expect(() => registry.histogram({ name: 'fine', help: 'h', buckets })).toThrow(
        'buckets must be finite and ascending',
      );
    },
  );
});

describe('collectors', () => {
  it('merges families of one name into one', () => {
    const registry = createRegistry();
    registry
      .counter({ name: 'ops', help: 'Operations', labelNames: ['kind'] })
      .labels('own')
      .inc();
    const collect = (kind: string) => () => [
      { name: 'ops', help: 'Operations', type: 'counter' as const, samples: [{ labels: { kind }, value: 7 }] },
    ];
    registry.addCollector(collect('a'));
    const remove = registry.addCollector(collect('b'));
    expect(registry.render()).toBe(
      '# HELP ops Operations\n# TYPE ops counter\nops{kind="own"} 1\nops{kind="a"} 7\nops{kind="b"} 7\n',
    );
    remove();
    expect(samplesOf(registry.render())).toEqual(['ops{kind="own"} 1', 'ops{kind="a"} 7']);
  });

  it('renders the rest when one of them fails or hands over nonsense', () => {
    const problems: string[] = [];
    const registry = createRegistry({ onCollectError: (message) => problems.push(message) });
    registry.gauge({ name: 'here', help: 'h' }).set(1);
    registry.addCollector(() => {
      throw new Error('no');
    });
    registry.addCollector(() => [{ name: 'a.b', help: 'h', type: 'gauge', samples: [] }]);
    registry.addCollector(() => [{ name: 'here', help: 'h', type: 'counter', samples: [{ labels: {}, value: 1 }] }]);
    expect(samplesOf(registry.render())).toEqual(['here 1']);
    expect(problems).toEqual([
      'a metrics collector failed',
      'a metrics collector names a metric "a.b", which is not a metric name',
      'metric here is both a gauge and a counter: the second is left out',
    ]);
  });
});

describe('OpenMetrics', () => {
  it('names a counter without _total, and ends with EOF', () => {
    const registry = createRegistry();
    registry.counter({ name: 'http_requests_total', help: 'Requests' }).inc(3);
    expect(registry.render('openmetrics')).toBe(
      '# TYPE http_requests counter\n# HELP http_requests Requests\nhttp_requests_total 3\n# EOF\n',
    );
  });

  it('exposes a counter whose name has no _total as unknown', () => {
    const registry = createRegistry();
    registry.counter({ name: 'scrape_samples_scraped', help: 'Samples' }).inc();
    expect(registry.render('openmetrics')).toContain('# TYPE scrape_samples_scraped unknown\n');
    expect(registry.render('text')).toContain('# TYPE scrape_samples_scraped counter\n');
  });

  it('exposes a counter as unknown when another metric has its name without _total', () => {
    const registry = createRegistry();
    registry.gauge({ name: 'compactions', help: 'Running' });
    registry.counter({ name: 'compactions_total', help: 'Ended' });
    expect(registry.render('openmetrics')).toContain('# TYPE compactions_total unknown\n');
  });

  it('writes bucket bounds as floats, those of collectors too', () => {
    const registry = createRegistry();
    registry.histogram({ name: 'own', help: 'h', buckets: [0.5, 1, 1e21] }).observe(1);
    registry.addCollector(() => [
      {
        name: 'theirs',
        help: 'h',
        type: 'histogram',
        samples: [
          { suffix: '_bucket', labels: { le: '1' }, value: 1 },
          { suffix: '_bucket', labels: { le: '+Inf' }, value: 2 },
          { suffix: '_sum', labels: {}, value: 3 },
          { suffix: '_count', labels: {}, value: 2 },
        ],
      },
    ]);
    const bounds = [...registry.render('openmetrics').matchAll(/(\w+)_bucket\{le="([^"]+)"/g)].map((match) => match[2]);
    expect(bounds).toEqual(['0.5', '1.0', '1e+21', '+Inf', '1.0', '+Inf']);
  });

  it('escapes quotes in help', () => {
    const registry = createRegistry();
    registry.gauge({ name: 'g', help: 'a "quote"' });
    expect(registry.render('openmetrics')).toContain('# HELP g a \\"quote\\"\n');
  });
});

describe('rendering in parts', () => {
  it('splits a large exposition between samples, and joins to the same text', () => {
    const registry = createRegistry();
    const vector = registry.counter({ name: 'many_total', help: 'h', labelNames: ['series'] });
    for (let i = 0; i < 10_000; i++) vector.labels(`series-${i}`).inc(i);
    const parts = [...registry.renderParts('text')];
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect(part.endsWith('\n')).toBe(true);
    expect(parts.join('')).toBe(registry.render('text'));
    expect(samplesOf(parts.join(''))).toHaveLength(10_000);
  });
});

function samplesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
