import { describe, expect, it } from 'vitest';
import { parseScript } from './parse-script.ts';
import { parseSeries } from './parse-series.ts';
import { runScript } from './run.ts';

async function problemsOf(script: string): Promise<string[]> {
  return (await runScript(script)).flatMap(({ problems }) => problems);
}

const load = 'load 1m\n  metric{a="1"} 0+10x10\n  metric{a="2"} 5 _ stale NaN Inf\n\n';

describe('the series notation', () => {
  it('expands repetitions, gaps and steps', () => {
    const { labels, points } = parseSeries('m{a="b\\"c", d=\'e\'} 1+2x3 _x2 -1x1 stale 1+0x10', 1);
    expect(labels).toEqual(['__name__', 'm', 'a', 'b"c', 'd', 'e']);
    const values = points.map((point) => (point?.kind === 'float' ? point.value : undefined));
    expect(values).toEqual([1, 3, 5, 7, undefined, undefined, -1, -1, Number.NaN, ...new Array(11).fill(1)]);
    expect(points[8]).toMatchObject({ kind: 'float', stale: true });
    expect(parseSeries('m 1 stale+1x2', 1).points.slice(1)).toEqual([
      { kind: 'float', value: Number.NaN, stale: true },
      { kind: 'float', value: Number.NaN, stale: false },
      { kind: 'float', value: Number.NaN, stale: false },
    ]);
  });

  it('reads histograms and their steps', () => {
    const { points } = parseSeries(
      'h {{schema:0 count:2 sum:3 buckets:[1 0 1] offset:-1}}+{{schema:1 count:1 buckets:[1]}}x1',
      1,
    );
    expect(points).toHaveLength(2);
    expect(points[0]).toMatchObject({ kind: 'histogram', histogram: { schema: 0, count: 2, sum: 3 } });
    expect(points[1]).toMatchObject({ kind: 'histogram', histogram: { schema: 0, count: 3 } });
  });

  it('says where a file is wrong', () => {
    const load = parseScript('load 5m\n  m 1 2 x\n  n 1\n\nclear');
    expect(load).toMatchObject([{ kind: 'unreadable', line: 2, text: 'load 5m' }, { kind: 'clear' }]);
    expect(parseScript('\nevaluated m')).toMatchObject([{ kind: 'unreadable', line: 2 }]);
  });

  it('reads every spelling of numbers and gaps', () => {
    const { points } = parseSeries('{} nan NaN Inf +inf -Inf 1e3 -.5 2. 1e-3+1e-3x1 -2-3x1 +4 _ _x2 7x0', 1);
    const values = points.map((point) => (point?.kind === 'float' ? point.value : undefined));
    expect(values).toEqual([
      ...[Number.NaN, Number.NaN, Infinity, Infinity, -Infinity, 1000, -0.5, 2, 0.001, 0.002, -2, -5, 4],
      ...[undefined, undefined, undefined, 7],
    ]);
  });

  it('reads metrics with names of any characters', () => {
    const labels = (text: string) => parseSeries(text, 1).labels;
    expect(labels('{"a b", "x.y"="1", z=`\\`} 1')).toEqual(['__name__', 'a b', 'x.y', '1', 'z', '\\']);
    expect(labels('a:b{} 1')).toEqual(['__name__', 'a:b']);
    expect(labels('{} {{}}')).toEqual([]);
    expect(labels('m{ a = "\u00e9\x41" , } 1')).toEqual(['__name__', 'm', 'a', 'éA']);
  });

  it('reads all fields of histograms', () => {
    const [point] = parseSeries(
      'h {{schema:2 sum:-Inf count:NaN z_bucket:3 z_bucket_w:1e-3 buckets:[1 2.5] offset:-2 n_buckets:[4] n_offset:1 counter_reset_hint:reset}}',
      1,
    ).points;
    expect(point).toEqual({
      kind: 'histogram',
      hintGiven: true,
      histogram: {
        schema: 2,
        counterResetHint: 'reset',
        zeroThreshold: 0.001,
        zeroCount: 3,
        count: Number.NaN,
        sum: -Infinity,
        positiveSpans: [{ offset: -2, length: 2 }],
        positiveBuckets: Float64Array.of(1, 2.5),
        negativeSpans: [{ offset: 1, length: 1 }],
        negativeBuckets: Float64Array.of(4),
        customValues: new Float64Array(0),
      },
    });
    expect(parseSeries('h {{Schema:-53 custom_values:[-1 1.5] COUNTER_RESET_HINT:Gauge}}', 1).points).toMatchObject([
      { histogram: { schema: -53, customValues: Float64Array.of(-1, 1.5), counterResetHint: 'gauge' } },
    ]);
    expect(() => parseSeries('h {{size:1}}', 1)).toThrow('unknown field "size"');
    expect(() => parseSeries('h {{sum:x}}', 1)).toThrow('bad number "x"');
    expect(() => parseSeries('h {{sum}}', 1)).toThrow('bad histogram');
  });

  it('subtracts histograms and keeps the hint of the first', () => {
    const { points } = parseSeries(
      'h {{sum:9 count:9 buckets:[9] counter_reset_hint:gauge}}-{{sum:1 count:2 buckets:[2]}}x2',
      1,
    );
    expect(points.map((point) => point?.kind === 'histogram' && point.histogram.count)).toEqual([9, 7, 5]);
    expect(points[2]).toMatchObject({ histogram: { counterResetHint: 'gauge', sum: 7 } });
  });
});

describe('what Prometheus does not read as a series', () => {
  const series = (text: string) => () => parseSeries(text, 1);

  it.each([
    ...['m 1+-1x3', 'm 1--1x3', 'm 1+1', 'm 1+1x', 'm 1x', 'm 1x1.5', 'm 1 x3', 'm 1X3', 'm 1e400', 'm 1_x2', 'm 08x'],
    ...['m NaNx3', 'm -Infx3', 'm 1+Infx3', 'm Stale', 'm stalex3', 'm abc', 'm 1,2', 'm 0x1F', 'm __', 'm - 1'],
    'm 1x99999999999',
  ])('floats: %s', (text) => {
    expect(series(text)).toThrow(/bad point|error parsing number|at most/);
  });

  it.each([
    ...['{{sum: 1}}', '{{sum :1}}', '{{ sum:1}}', '{{sum:+1}}', '{{sum:.5}}', '{{sum:1,count:2}}', '{{sum:0x1}}'],
    ...['{{sum:1 sum:2}}', '{{SUM:1 sum:2}}', '{{schema:1.5}}', '{{schema:1e0}}', '{{offset:Inf}}', '{{n_offset:x}}'],
    ...['{{buckets:[]}}', '{{buckets:[ 1]}}', '{{buckets:1}}', '{{buckets:[1,2]}}', '{{buckets:[1]offset:1}}'],
    ...['{{buckets:[1-2]}}', '{{counter_reset_hint:"gauge"}}', '{{counter_reset_hint:no}}', '{{}}{{}}', '{{}}1'],
    ...['{{}}+{{}}', '{{}}+1x3', '{{}} + {{}}x3', '{{}}x', '{{}}*{{}}x3', '{{schema:1}}+{{schema:0}}x2'],
  ])('histograms: %s', (text) => {
    expect(series(`m ${text}`)).toThrow(/^line 1: /);
  });

  it.each([
    ...['m {a="1"} 1', 'm{a="1" b="2"} 1', 'm{a="1",a="2"} 1', 'm{,} 1', 'm{a} 1', 'm{a=1} 1', 'm{a="1"}b 1'],
    ...['m{"a\\q"="1"} 1', 'm{a="\\q"} 1', '{"m","n"} 1', 'on 1', 'bool 1', 'NaN 1', 'm-n 1', 'm{a:b="1"} 1'],
  ])('metrics: %s', (text) => {
    expect(series(text)).toThrow(/^line 1: /);
  });

  it('but it takes a name before the braces for the one that counts, and octal numbers', () => {
    expect(series('m{"n",a="1"} 010 1_000+1_0x1')()).toMatchObject({
      labels: ['__name__', 'm', 'a', '1'],
      points: [{ value: 8 }, { value: 1000 }, { value: 1010 }],
    });
  });

  it('combines the hints of what is added up', () => {
    const hints = (text: string) =>
      series(`m ${text}`)().points.map((point) => point?.kind === 'histogram' && point.histogram.counterResetHint);
    expect(hints('{{}}+{{counter_reset_hint:gauge}}x1')).toEqual(['unknown', 'gauge']);
    expect(hints('{{counter_reset_hint:reset}}+{{}}x1')).toEqual(['reset', 'unknown']);
    expect(hints('{{counter_reset_hint:reset}}x1')).toEqual(['reset', 'reset']);
  });

  it.each([
    ...['count:-1', 'z_bucket:-1', 'z_bucket_w:-1', 'buckets:[-1]', 'n_buckets:[1 -1]', 'schema:9', 'schema:-5'],
    ...['custom_values:[1]', 'schema:-53 custom_values:[2 1]', 'schema:-53 custom_values:[1 Inf]'],
    ...['schema:-53 custom_values:[1] n_buckets:[1]', 'schema:-53 custom_values:[1] z_bucket:1'],
    'schema:-53 custom_values:[1] buckets:[1 2 3]',
  ])('what no database stores: %s', async (fields) => {
    const [outcome] = await runScript(`load 1m\n  m {{${fields}}}\n`);
    expect(outcome?.problems.join()).toContain('a histogram that is not stored');
  });
});

describe('the runner', () => {
  it('accepts what is right', async () => {
    expect(
      await problemsOf(`${load}eval instant at 5m metric{a="1"}\n  metric{a="1"} 50\n
eval range from 0 to 2m step 1m metric\n  metric{a="1"} 0 10 20\n  metric{a="2"} 5 5 _\n
eval instant at 1m 1 + 1\n  2\n
eval instant at 1m "text"\n  expect string "text"\n
eval instant at 2m metric[2m]\n  expect range vector from 1m to 2m step 1m\n    metric{a="1"} 10 20\n`),
    ).toEqual([]);
  });

  it('reads the older forms of commands and what numbers may look like', async () => {
    expect(
      await problemsOf(
        `${load}eval_ordered instant at 0 sort(metric)\n  metric{a="1"} 0\n  metric{a="2"} 5\n
# a comment
eval_fail instant at 1m topk(NaN, metric)
# one inside of a block ends it\n
eval_fail instant at 1m topk(NaN, metric)\n  expected_fail_message Parameter value is NaN\n
eval_fail instant at 1m topk(NaN, metric)\n  expected_fail_regexp ^Para.*NaN$\n
eval_warn instant at 1m quantile(3, metric{a="1"})\n  {} Inf\n
eval_info instant at 5m rate(metric{a="1"}[5m])\n  {a="1"} 0.16666666\n
eval_info range from 5m to 5m step 1m rate(metric{a="1"}[5m])\n  {a="1"} 0.16666666\n
eval_warn range from 0 to 1m step 60s quantile(3, metric{a="1"})\n  {} Inf Inf\n
eval instant at 1m 0x1f\n  0x1F\neval instant at 1m -1_000\n  -1_000\n
eval instant at 0 017\n  017\neval instant at 1500ms Inf\n  +inf\neval instant at 1h2m3s4ms NaN\n  NaN`,
      ),
    ).toEqual([]);
  });

  it('matches annotations by text and by expression of RE2', async () => {
    const query = `${load}eval instant at 1m quantile(3, metric{a="1"})\n  {} Inf\n`;
    const text = 'PromQL warning: quantile value should be between 0 and 1, got 3 (1:10)';
    expect(await problemsOf(`${query}  expect warn msg: ${text}\n  expect no_info`)).toEqual([]);
    expect(
      await problemsOf(`${query}  expect warn msg:${text}\n  expect warn regex: (?i)^promql.*\\Q(1:10)\\E$`),
    ).toEqual([]);
    expect(await problemsOf(`${query}  expect warn regex: ^quantile`)).toHaveLength(2);
    expect(await problemsOf(`${query}  expect no_warn`)).toHaveLength(1);
    expect((await problemsOf(`${query}  expect warn regex: (`)).join()).toContain('error parsing regexp');
  });

  it('takes what cannot be read for a failure and goes on', async () => {
    const outcomes = await runScript(
      `${load}eval instant at 1m 1\n  expect nothing\n  1\n\neval instant at 1m 2\n  2\n\neval instant at 1m metric\n  metric{a="1"} 10 20\n`,
    );
    expect(outcomes.map(({ line, problems }) => [line, problems.length > 0])).toEqual([
      [6, true],
      [9, false],
      [13, true],
    ]);
  });

  it.each([
    ['a wrong value', 'eval instant at 5m metric{a="1"}\n  metric{a="1"} 51', 'expected 51, got 50'],
    ['a missing series', 'eval instant at 5m metric{a="1"}\n  metric{a="1"} 50\n  metric{a="3"} 1', 'missing'],
    ['an extra series', 'eval instant at 1m metric', 'unexpected'],
    ['an error that did not happen', 'eval instant at 1m metric\n  expect fail', 'expected an error'],
    ['another error', 'eval instant at 1m topk(NaN, metric)\n  expect fail msg: other', 'Parameter value is NaN'],
    ['a missing warning', 'eval instant at 1m metric{a="1"}\n  expect warn\n  metric{a="1"} 10', 'missing warn'],
    [
      'an unwanted info',
      'eval instant at 5m rate(metric{a="1"}[5m])\n  expect no_info\n  {a="1"} 0.16666667',
      'unexpected info',
    ],
    [
      'a wrong order',
      'eval instant at 0 sort(metric)\n  expect ordered\n  metric{a="2"} 5\n  metric{a="1"} 0',
      'position',
    ],
    ['an expression that does not parse', 'eval instant at 1m metric{', 'does not parse'],
    ['no time', 'eval instant metric', 'invalid eval command'],
    ['a time without a unit', 'eval instant at 5 metric', 'not a valid duration string: "5"'],
    ['times in the wrong order', 'eval range from 5m to 1m step 1m metric', 'is before the start'],
    ['a step of 0', 'eval range from 0m to 1m step 0 metric', 'divide by zero'],
    ['an order of a matrix', 'eval range from 0 to 1m step 1m metric\n  expect ordered', 'expected an ordered result'],
    ['values after the end', 'eval range from 0 to 0 step 1m 1\n  {} 1 _', 'after the end'],
    ['several values at one time', 'eval instant at 1m metric\n  metric{a="1"} 1 2', 'several values'],
    ['warnings and none', 'eval instant at 1m 1\n  expect warn\n  expect no_warn\n  1', 'both expected'],
    ['two failures', 'eval instant at 1m 1\n  expect fail\n  expect fail', 'more than one failure'],
    ['a string without quotes', 'eval instant at 1m "a"\n  expect string a', 'no quoted string'],
    ['a string where none is expected', 'eval instant at 1m "a"', 'expected string ""'],
  ])('reports %s', async (_name, script, message) => {
    const problems = await problemsOf(load + script);
    expect(problems.join('\n')).toContain(message);
  });

  it('takes of what is expected twice the last, and what is left out for zero', async () => {
    expect(
      await problemsOf(
        `${load}eval instant at 5m metric{a="1"}\n  metric{a="1"} 1\n  metric{a="1"} 50\n
eval instant at 0 metric{a="1"}\n  expect ordered regex: any\n  metric{a="1"} _\n
eval instant at 2m sum(metric{a="1"})\n  expect range vector from 0 to 5m step 1m\n  {} 50\n
eval instant at 1m metric{a="1"} @ start()\n  metric{a="1"} 10\n
eval range from 0 to 1m step 1m metric{a="1"}\n  expect range vector from 1m to 2m step 1m\n  metric{a="1"} 10 20`,
      ),
    ).toEqual([]);
  });

  it.each([
    ['start timestamps without samples', 'load 1m\n  m@st 0\n', 'without a line of samples'],
    ['start timestamps of another metric', 'load 1m\n  m@st 0\n  n 1\n', 'of another metric'],
    ['too few start timestamps', 'load 1m\n  m@st 0\n  m 1 2\n', '1 start timestamps, but 2 samples'],
    ['start timestamps of two units', 'load 1m\n  m@st -1h30m\n  m 1\n', 'bad start timestamp "-1h30m"'],
    ['no gap at all', 'load 1m\n  m@st _x0 0\n  m 1\n', 'bad start timestamp "_x0"'],
    ['a step without repetitions', 'load 1m\n  m@st -1m+1m\n  m 1\n', 'bad start timestamp'],
    ['a series without labels', 'load 1m\n  {} 1\n', 'without labels'],
    ['samples before others', 'load 1m\n  m _ _ 1\n\nload 1m\n  m 1\n', 'out of order'],
    ['another value at the same time', 'load 1m\n  m 1\n\nload 1m\n  m 2\n', 'duplicate sample'],
    ['what is long ago', 'load 13h\n  m 1 1\n\nload 1m\n  n 1\n', 'out of bounds'],
    ['a number that is no duration', 'load 60\n  m 1\n', 'not a valid duration string'],
    ['counts that fall', 'load_with_nhcb 1m\n  m_bucket{le="1"} 2\n  m_bucket{le="2"} 1\n', 'not cumulative'],
    ['counts that differ', 'load_with_nhcb 1m\n  m_bucket{le="+Inf"} 2\n  m_count 1\n', 'not the same'],
  ])('does not load %s', async (_name, script, message) => {
    expect((await problemsOf(script)).join()).toContain(message);
  });

  it('loads what repeats the newest sample, and start timestamps with steps', async () => {
    const script = 'load 1m\n  m_total@st -1m-1mx2 _ 0s\n  m_total 1 2 3 4 5\n\nload 1m\n  m_total _x4 5 6\n';
    expect(await problemsOf(`${script}\neval instant at 5m m_total\n  m_total 6`)).toEqual([]);
  });

  it('runs instant queries again with pinned selectors and in range mode', async () => {
    const queries: string[] = [];
    const { createTestEngine } = await import('./run.ts');
    const engine = createTestEngine();
    await runScript(`${load}eval instant at 5m metric{a="1"}\n  metric{a="1"} 50`, {
      ...engine,
      instant: (source, query, timeMs, options) => {
        queries.push(`instant ${timeMs}`);
        return engine.instant(source, query, timeMs, options);
      },
      range: (source, query, startMs, endMs, stepMs, options) => {
        queries.push(`range ${startMs} ${endMs} ${stepMs}`);
        return engine.range(source, query, startMs, endMs, stepMs, options);
      },
    });
    expect(queries).toHaveLength(12);
    expect(queries).toContain('instant -3000000');
    expect(queries).toContain('range 240000 360000 60000');
  });
});
