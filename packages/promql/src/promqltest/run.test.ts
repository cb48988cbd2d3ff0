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
  });

  it('reads histograms and their steps', () => {
    const { points } = parseSeries(
      'h {{schema:1 count:2 sum:3 buckets:[1 0 1] offset:-1}}+{{count:1 buckets:[1]}}x1',
      1,
    );
    expect(points).toHaveLength(2);
    expect(points[0]).toMatchObject({ kind: 'histogram', histogram: { schema: 1, count: 2, sum: 3 } });
    expect(points[1]).toMatchObject({ kind: 'histogram', histogram: { schema: 0, count: 3 } });
  });

  it('says where a file is wrong', () => {
    expect(() => parseScript('load 5m\n  m 1 2 x')).toThrow('line 2');
    expect(() => parseScript('\nevaluate m')).toThrow('line 2');
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
  ])('reports %s', async (_name, script, message) => {
    const problems = await problemsOf(load + script);
    expect(problems.join('\n')).toContain(message);
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
