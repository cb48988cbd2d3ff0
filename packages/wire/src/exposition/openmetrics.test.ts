import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isWireError } from '../errors.ts';
import { parseExposition } from './parse.ts';

const corpus = new URL('../../../../../shared/openmetrics/', import.meta.url);

function refusal(body: string | Uint8Array): string | undefined {
  try {
    parseExposition(typeof body === 'string' ? Buffer.from(body) : body, 'openmetrics');
    return undefined;
  } catch (error) {
    if (!isWireError(error)) throw error;
    return error.message;
  }
}

describe.skipIf(!existsSync(corpus))('the parser cases of the OpenMetrics project', () => {
  const cases = existsSync(corpus)
    ? readdirSync(corpus, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : [];

  it('are there', () => expect(cases.length).toBeGreaterThan(100));

  it.each(cases.map(({ name }) => name))('%s', (name) => {
    const folder = new URL(`${name}/`, corpus);
    const { shouldParse, file } = JSON.parse(readFileSync(new URL('test.json', folder), 'utf8'));
    const message = refusal(readFileSync(new URL(file, folder)));
    if (shouldParse) expect(message).toBeUndefined();
    else expect(message).toMatch(/^line \d+: /);
  });
});

describe('OpenMetrics', () => {
  it('gives samples, timestamps in ms, exemplars and metadata', () => {
    const body = Buffer.from(
      '# TYPE a counter\n# UNIT a \n# HELP a with \\"quotes\\" and \\n\n' +
        'a_total{x="1"} 1 1520879607.789 # {trace="t",span="s"} 2.5 1.5\na_created{x="1"} 1520879607 1520879607.789\n' +
        '# TYPE b_seconds histogram\n# UNIT b_seconds seconds\nb_seconds_bucket{le="1"} 2\nb_seconds_bucket{le="+Inf"} 3 # {} 7\n' +
        'b_seconds_count 3\nb_seconds_sum 4.5\nplain NaN\n# EOF\n',
    );
    const samples = parseExposition(body, 'openmetrics');
    expect(Array.from({ length: samples.count }, (_, i) => samples.labels(i))).toEqual([
      ['__name__', 'a_total', 'x', '1'],
      ['__name__', 'a_created', 'x', '1'],
      ['__name__', 'b_seconds_bucket', 'le', '1.0'],
      ['__name__', 'b_seconds_bucket', 'le', '+Inf'],
      ['__name__', 'b_seconds_count'],
      ['__name__', 'b_seconds_sum'],
      ['__name__', 'plain'],
    ]);
    expect([...samples.values.subarray(0, samples.count)]).toEqual([1, 1520879607, 2, 3, 3, 4.5, Number.NaN]);
    expect([...samples.timestamps.subarray(0, 3)]).toEqual([1520879607789, 1520879607789, Number.NaN]);
    expect(samples.exemplars).toEqual([
      { sample: 0, labels: ['trace', 't', 'span', 's'], value: 2.5, timestampMs: 1500 },
      { sample: 3, labels: [], value: 7, timestampMs: Number.NaN },
    ]);
    expect(samples.metadata).toEqual([
      { family: 'a', type: 'counter', help: 'with "quotes" and \n', unit: '' },
      { family: 'b_seconds', type: 'histogram', help: '', unit: 'seconds' },
    ]);
    expect(body.toString('utf8', samples.seriesStart[0], samples.seriesEnd[0])).toBe('a_total{x="1"}');
  });

  it.each([
    ['quoted names', '# TYPE "a.b" gauge\n{"a.b",x="1"} 1\n{"a.b","x.y"="2"} 1\n# EOF'],
    ['labels of a group in another order', '# TYPE a gauge\na{x="1",y="2"} 1 1\na{y="2",x="1"} 1 2\n# EOF\n'],
    ['le before and between other labels', histogram('le="1",x="1"', 'x="1",le="+Inf"', 'x="1"')],
    ['le in the middle', histogram('a="1",le="1",x="1"', 'x="1",le="+Inf",a="1"', 'a="1",x="1"')],
    ['a quote in a grouping label', histogram('a="\\"",le="1"', 'a="\\"",le="+Inf"', 'a="\\""')],
    ['a summary whose quantiles are NaN', '# TYPE a summary\na{quantile="0.5"} NaN\na_sum 0\na_count 0\n# EOF\n'],
    ['a state set', '# TYPE a stateset\na{a="x",z="1"} 1\na{a="y",z="1"} 0\n# EOF\n'],
    ['an info', '# TYPE a info\na_info{v="1"} 1\n# EOF\n'],
    [
      'a gauge histogram with negative buckets and sum',
      '# TYPE a gaugehistogram\na_bucket{le="-1"} 1\na_bucket{le="+Inf"} 2\na_gcount 2\na_gsum -5\n# EOF\n',
    ],
    [
      'a histogram at two times',
      '# TYPE a histogram\na_bucket{le="+Inf"} 5 1\na_count 5 1\na_sum 1 1\na_bucket{le="+Inf"} 2 2\na_count 2 2\na_sum 1 2\n# EOF\n',
    ],
    ['names that only look alike', '# TYPE a gauge\na 1\n# TYPE a_b gauge\na_b 1\nab 1\n# EOF\n'],
    ['an exemplar of 128 characters', `# TYPE a counter\na_total 1 # {a="${'é'.repeat(127)}"} 1\n# EOF\n`],
    [
      'a counter after the gauge of its name, as Go programs have it',
      '# HELP a now\n# TYPE a gauge\na 1\n# HELP a ever\n# TYPE a counter\na_total 2\n# EOF\n',
    ],
    [
      'an info whose family has the suffix, as kube-state-metrics has it',
      '# TYPE a_info info\na_info{v="1"} 1\n# EOF\n',
    ],
    ['a number in every notation', 'a +1.\nb .5\nc 1E-5\nd -inf\ne +Infinity\nf 00\n# EOF\n'],
  ])('takes %s', (_, body) => expect(refusal(body)).toBeUndefined());

  it.each([
    [
      'a group that comes back',
      '# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\na{x="1"} 1\n# EOF\n',
      'line 4: samples of a group are not together',
    ],
    [
      'a group that comes back in another order of labels',
      '# TYPE a gauge\na{x="1",y="1"} 1\na{x="2"} 1\na{y="1",x="1"} 1\n# EOF\n',
      'not together',
    ],
    ['a family that comes back', 'a 1\nb 1\na 1\n# EOF\n', 'line 3: metric family a clashes'],
    [
      'a summary whose family comes back',
      '# TYPE a summary\nquantile{quantile="0"} 0\na_sum{a="1"} 0\nquantile{quantile="1"} 0\n# EOF\n',
      'clashes',
    ],
    [
      'a gauge after the gauge of its name',
      '# TYPE a gauge\na 1\n# TYPE a gauge\na 2\n# EOF\n',
      'line 4: metric family a clashes',
    ],
    [
      'a gauge after the counter of its name',
      '# TYPE a counter\na_total 1\n# TYPE a gauge\na 2\n# EOF\n',
      'line 3: metadata after',
    ],
    ['a counter without _total', '# TYPE a counter\na 1\n# EOF\n', 'clashes'],
    [
      'fractions of a count',
      histogram('le="1"', 'le="+Inf"', '').replace('_count{} 1', '_count 1.5'),
      '_count is not an integer',
    ],
    ['a negative quantile value', '# TYPE a summary\na{quantile="0.5"} -1\n# EOF\n', 'negative'],
    ['a quantile above 1', '# TYPE a summary\na{quantile="1.01"} 0\n# EOF\n', 'invalid quantile'],
    ['a summary without quantile', '# TYPE a summary\na 0\n# EOF\n', 'without the label quantile'],
    [
      'a histogram with _sum alone',
      '# TYPE a histogram\na_sum 1\n# EOF\n',
      'line 2: histogram without the bucket le="+Inf"',
    ],
    [
      'a histogram without _sum',
      '# TYPE a histogram\na_bucket{le="+Inf"} 0\na_count 0\n# EOF\n',
      'count and without a sum',
    ],
    ['le="Inf"', '# TYPE a histogram\na_bucket{le="Inf"} 0\n# EOF\n', 'invalid le "Inf"'],
    [
      'an exemplar of 129 characters',
      `# TYPE a counter\na_total 1 # {a="${'é'.repeat(128)}"} 1\n# EOF\n`,
      '129 characters',
    ],
    ['an exemplar with a label twice', '# TYPE a counter\na_total 1 # {a="1",a="2"} 1\n# EOF\n', 'not unique'],
    ['a label twice, escaped', 'a{"b"="1",b="2"} 1\n# EOF\n', 'label name "b" is not unique'],
    ['a comma missing', 'a{a="1"b="2"} 1\n# EOF\n', 'expected comma or brace close'],
    ['a carriage return', 'a 1\r\n# EOF\r\n', 'expected value'],
    [
      'a unit that is not the suffix',
      '# UNIT a seconds\n# EOF\n',
      'line 1: unit "seconds" is not the suffix of metric a',
    ],
    ['text after the end', 'a 1\n# EOF\n\n', 'line 3: unexpected data after # EOF'],
    ['no end', 'a 1\n', 'line 2: data does not end with # EOF'],
    ['invalid UTF-8', Buffer.from('a 1\na{x="\xff"} 1\n# EOF\n', 'latin1'), 'line 2: invalid UTF-8'],
    ['a space before the label set', 'a {x="1"} 1\n# EOF\n', 'expected value after metric'],
  ])('refuses %s', (_, body, message) => expect(refusal(body)).toContain(message));
});

function histogram(first: string, infinite: string, rest: string): string {
  return `# TYPE a histogram\na_bucket{${first}} 1\na_bucket{${infinite}} 1\na_count{${rest}} 1\na_sum{${rest}} 1\n# EOF\n`;
}

it('refuses an exemplar of very many labels', () => {
  const labels = Array.from({ length: 200_000 }, (_, i) => `l${i}="v"`).join();
  const text = `# TYPE a counter\na_total 1 # {${labels}} 1\n# EOF\n`;
  expect(() => parseExposition(Buffer.from(text), 'openmetrics')).toThrow('at most 128 are allowed');
});
