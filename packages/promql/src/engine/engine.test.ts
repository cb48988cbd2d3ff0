import { describe, expect, it } from 'vitest';
import type { SelectRequest, SeriesSource } from '../source.ts';
import { at, engineOf, over, show, sourceOf } from './engine.testing.ts';
import { isQueryError, type QueryError } from './errors.ts';

async function errorOf(run: Promise<unknown>): Promise<QueryError> {
  try {
    await run;
  } catch (error) {
    if (isQueryError(error)) return error;
    throw error;
  }
  throw new Error('did not fail');
}

const source = sourceOf('m{a="1"} 0+1x60', 'm{a="2"} 0+2x60', 'gone 1 2 stale');

describe('selectors', () => {
  it('look back five minutes, the far end excluded', async () => {
    expect(await at(sourceOf('m 1'), 'm', 4.999)).toEqual(['m 1']);
    expect(await at(sourceOf('m 1'), 'm', 5)).toEqual([]);
  });

  it('end at a staleness marker', async () => {
    expect(await over(source, 'gone', 0, 4)).toEqual(['gone 0=1 1=2']);
    expect(await over(source, 'count_over_time(gone[2m])', 0, 4)).toEqual(['{} 0=1 1=2 2=1']);
  });

  it('shift with offset and @', async () => {
    expect(await over(source, 'm{a="1"} offset 2m', 3, 5)).toEqual(['m{a="1"} 3=1 4=2 5=3']);
    expect(await over(source, 'm{a="1"} @ 600', 3, 5)).toEqual(['m{a="1"} 3=10 4=10 5=10']);
    expect(await over(source, 'm{a="1"} @ end() + m{a="1"} @ start()', 3, 5)).toEqual(['{a="1"} 3=8 4=8 5=8']);
  });

  it('fetches a selector that is used twice once, and distant stretches of time apart', async () => {
    const requests: SelectRequest[] = [];
    const counting: SeriesSource = {
      select(request) {
        requests.push(request);
        return source.select(request);
      },
    };
    await engineOf().instant(counting, 'm / m + rate(m[10m])', 3_600_000);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ startMs: 3_000_001, endMs: 3_600_000 });
    requests.length = 0;
    await engineOf().instant(counting, 'm - m offset 1w', 3_600_000);
    expect(requests).toHaveLength(2);
  });
});

describe('results', () => {
  it('have no label set twice, also where names leave a subquery at the end only', async () => {
    const two = sourceOf('a 1', 'b 1');
    const query = '(last_over_time({__name__=~"a|b"}[1m]) * 1)[2m:1m]';
    for (const delayedNameRemoval of [true, false]) {
      const error = await errorOf(engineOf({ delayedNameRemoval }).instant(two, query, 0));
      expect(error).toMatchObject({ message: 'vector cannot contain metrics with the same labelset' });
    }
  });

  it('are sorted by labels for range queries', async () => {
    const unsorted = sourceOf('b 1', 'a{z="1"} 1', 'a{b="2"} 1', 'a 1');
    expect(await over(unsorted, '{__name__=~".+"}', 0, 0)).toEqual(['a 0=1', 'a{b="2"} 0=1', 'a{z="1"} 0=1', 'b 0=1']);
  });

  it('may be a range vector, a scalar or a string', async () => {
    expect(await at(source, 'm{a="1"}[2m]', 10)).toEqual(['m{a="1"} 9=9 10=10']);
    expect(await at(source, '1 + 2 * 3', 0)).toEqual(['7']);
    expect(await at(source, '"text"', 0)).toEqual(['text']);
    expect(await over(source, '2', 0, 1)).toEqual(['{} 0=2 1=2']);
  });

  it('have raw samples as they lie in the columns, with one time column for series that share theirs', async () => {
    const timestamps = Float64Array.from([0, 60_000, 120_000, 180_000]);
    const columns = ['a', 'b'].map((name, i) => ({
      labels: ['__name__', name],
      timestamps,
      values: Float64Array.from([i, i + 1, i + 2, i + 3]),
    }));
    const shared: SeriesSource = { select: async () => columns };
    const result = await engineOf().instant(shared, '{__name__=~"a|b"}[2m]', 180_000);
    expect(show(result)).toEqual(['a 2=2 3=3', 'b 2=3 3=4']);
    if (result.type !== 'matrix') throw new Error('not a matrix');
    const [a, b] = result.value;
    expect(a!.timestamps).toBe(b!.timestamps);
    expect(a!.values.buffer).toBe(columns[0]!.values.buffer);
  });

  it('cannot hold equal label sets', async () => {
    const query = '{__name__=~"x|y"}';
    const twice = sourceOf('x 1', 'y 2');
    expect(await at(twice, query, 0)).toEqual(['x 1', 'y 2']);
    const error = await errorOf(engineOf().instant(twice, `${query} * 2`, 0));
    expect(error).toMatchObject({ kind: 'execution', message: 'vector cannot contain metrics with the same labelset' });
    const eager = engineOf({ delayedNameRemoval: false });
    await expect(eager.instant(twice, `abs(${query})`, 0)).rejects.toThrow('same labelset');
    expect(show(await eager.instant(twice, 'sum by (__name__) (x * 2)', 0))).toEqual(['{} 2']);
  });
});

describe('limits', () => {
  it('refuse more samples than allowed', async () => {
    const error = await errorOf(engineOf({ maxSamples: 10 }).range(source, 'm', 0, 600_000, 60_000));
    expect(error).toMatchObject({
      kind: 'execution',
      message: 'query processing would load too many samples into memory in query execution',
    });
  });

  it('end a query that takes too long', async () => {
    const slow: SeriesSource = {
      select: ({ signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))),
    };
    const error = await errorOf(engineOf({ timeoutMs: 20 }).instant(slow, 'm', 0));
    expect(error).toMatchObject({ kind: 'timeout', message: 'query timed out in expression evaluation' });
  });

  it('stop when the caller cancels, also in the middle of work', async () => {
    const controller = new AbortController();
    const columns = await source.select({ matchers: [], startMs: 0, endMs: 1e7 });
    const many: SeriesSource = {
      select: async () => Array.from({ length: 6_000 }, (_, i) => ({ ...columns[0]!, labels: ['i', String(i)] })),
    };
    const running = engineOf().range(many, 'quantile_over_time(0.5, m[30m])', 0, 3_600_000, 1000, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 20);
    expect(await errorOf(running)).toMatchObject({
      kind: 'canceled',
      message: 'query was canceled in expression evaluation',
    });
  });

  it('let the event loop run', async () => {
    const columns = await source.select({ matchers: [], startMs: 0, endMs: 1e7 });
    const many: SeriesSource = {
      select: async () => Array.from({ length: 5000 }, (_, i) => ({ ...columns[0]!, labels: ['i', String(i)] })),
    };
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await engineOf().range(many, 'sum(quantile_over_time(0.5, m[30m]))', 0, 3_600_000, 60_000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

describe('errors', () => {
  it('tell bad queries from failing storage', async () => {
    expect(await errorOf(engineOf().instant(source, 'm{', 0))).toMatchObject({ kind: 'bad_data' });
    const chain = Array(100_000).fill('1').join('^');
    expect(await errorOf(engineOf().instant(source, chain, 0))).toMatchObject({ kind: 'bad_data' });
    expect(await errorOf(engineOf().range(source, 'm[5m]', 0, 1, 1))).toMatchObject({ kind: 'bad_data' });
    const backwards = await errorOf(engineOf().range(source, 'm', 1, 0, 1));
    expect(backwards.message).toBe('end timestamp must not be before start time');
    expect((await errorOf(engineOf().range(source, 'm', 0, 1, 0))).message).toContain('step widths');
    const broken: SeriesSource = { select: () => Promise.reject(new Error('disk on fire')) };
    expect(await errorOf(engineOf().instant(broken, 'm', 0))).toMatchObject({
      kind: 'execution',
      message: 'expanding series: disk on fire',
    });
  });
});

describe('long and deep expressions', () => {
  const source = sourceOf('x 1 1');

  it.each([
    ['1', '6000'],
    ['x', '{} 6000'],
  ])('chains of 6,000 operators over %s are evaluated', async (term, expected) => {
    const chain = Array(6_000).fill(term).join(' + ');
    expect(await at(source, chain, 0)).toEqual([expected]);
    const times = [0, 1].map((minute) => `${minute}=6000`).join(' ');
    expect(await over(source, chain, 0, 1)).toEqual([`{} ${times}`]);
  });

  it('end in a clear error where the parser cannot follow', async () => {
    const deep = `${'('.repeat(100_000)}1${')'.repeat(100_000)}`;
    await expect(at(source, deep, 0)).rejects.toThrow('expression is nested too deeply');
    expect(await at(source, `${'abs('.repeat(1000)}x${')'.repeat(1000)}`, 0)).toEqual(['{} 1']);
  });
});
