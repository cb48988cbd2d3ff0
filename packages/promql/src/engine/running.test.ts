import { describe, expect, it } from 'vitest';
import type { SeriesColumns, SeriesSource } from '../source.ts';
import { createEngine } from './engine.ts';

function series(count: number, samples: number): SeriesColumns[] {
  const timestamps = Float64Array.from({ length: samples }, (_, i) => i * 1000);
  return Array.from({ length: count }, (_, i) => ({
    labels: ['__name__', 'm', 'i', String((i * 7919) % count).padStart(6, '0')],
    timestamps,
    values: Float64Array.from(timestamps, (t) => t + i),
  }));
}

function sourceOf(columns: readonly SeriesColumns[]): SeriesSource {
  return { select: async () => columns };
}

/** A source that answers when it is told to, or fails when the query is cancelled. */
function slowSource(): SeriesSource & { answer(): void } {
  const waiting: (() => void)[] = [];
  return {
    answer: () => waiting.shift()?.(),
    select: ({ signal }) =>
      new Promise((resolve, reject) => {
        waiting.push(() => resolve([]));
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('running queries', () => {
  it('are listed and can be cancelled', async () => {
    const engine = createEngine();
    const result = engine.instant(slowSource(), 'up', 0).catch((error: unknown) => error);
    await turn();
    const [running] = engine.running();
    expect(running).toMatchObject({ query: 'up', state: 'running', samples: 0 });
    expect(engine.cancel(running!.id)).toBe(true);
    expect(await result).toMatchObject({ kind: 'canceled' });
    expect(engine.running()).toEqual([]);
    expect(engine.cancel(running!.id)).toBe(false);
  });

  it('are cancelled by the controller that they are given, and abort it at their timeout', async () => {
    const engine = createEngine();
    const controller = new AbortController();
    const result = engine.instant(slowSource(), 'up', 0, { controller }).catch((error: unknown) => error);
    await turn();
    controller.abort();
    expect(await result).toMatchObject({ kind: 'canceled' });
    await expect(engine.instant(slowSource(), 'up', 0, { controller })).rejects.toMatchObject({ kind: 'canceled' });
    const other = new AbortController();
    const late = engine.instant(slowSource(), 'up', 0, { controller: other, timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ kind: 'timeout' });
    expect(other.signal.aborted).toBe(true);
  });

  it('let others in between two of the queue', async () => {
    const engine = createEngine({ maxConcurrency: 1 });
    const source = sourceOf(series(1, 10));
    let ended = 0;
    const seen = new Set<number>();
    let isOver = false;
    const look = () => {
      seen.add(ended);
      if (!isOver) setImmediate(look);
    };
    look();
    await Promise.all(Array.from({ length: 20 }, () => engine.instant(source, 'm', 1000).then(() => ended++)));
    isOver = true;
    expect(seen.size).toBeGreaterThan(10);
  });

  it('give the loop its turns within the windows of one series', async () => {
    const engine = createEngine({ maxSamples: 10_000_000 });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const result = await engine.instant(sourceOf([]), 'sum_over_time(sum_over_time(vector(1)[30m:1s])[10h:1s])', 0);
    clearInterval(timer);
    expect(result.value).toMatchObject([{ value: 36_000 * 1800 }]);
    expect(turns).toBeGreaterThan(5);
  });

  it('end when the caller goes away', async () => {
    const engine = createEngine();
    const caller = new AbortController();
    const result = engine.instant(slowSource(), 'up', 0, { signal: caller.signal }).catch((error: unknown) => error);
    await turn();
    caller.abort();
    expect(await result).toMatchObject({ kind: 'canceled' });
  });

  it('wait for their turn, within their time', async () => {
    const engine = createEngine({ maxConcurrency: 1 });
    const source = slowSource();
    const first = engine.instant(source, 'up', 0);
    const second = engine.instant(source, 'up', 0);
    const third = engine.instant(source, 'up', 0, { timeoutMs: 5 }).catch((error: unknown) => error);
    await turn();
    expect(engine.running().map(({ state }) => state)).toEqual(['running', 'queued', 'queued']);
    expect(await third).toMatchObject({ kind: 'timeout', message: 'query timed out in query queue' });
    source.answer();
    await first;
    await turn();
    source.answer();
    await second;
    expect(engine.running()).toEqual([]);
  });
});

describe('limits', () => {
  it('refuse a query when too many wait', async () => {
    const engine = createEngine({ maxConcurrency: 1, maxQueued: 1 });
    const source = slowSource();
    const queries = [engine.instant(source, 'up', 0), engine.instant(source, 'up', 0)];
    await turn();
    await expect(engine.instant(source, 'up', 0)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'too many queries: 1 run and 1 wait already',
    });
    for (const query of queries) {
      source.answer();
      await query;
      await turn();
    }
  });

  it('end a query that reads more bytes than it may', async () => {
    const engine = createEngine({ maxBytes: 100_000 });
    const message = 'query processing would use more than 100000 bytes of memory';
    const failure = { kind: 'execution', message };
    await expect(engine.instant(sourceOf(series(10, 2000)), 'sum(m)', 0)).rejects.toMatchObject(failure);
    const telling: SeriesSource = {
      select: async ({ hold }) => {
        for (let i = 0; i < 1000; i++) hold!(1000);
        return expect.unreachable();
      },
    };
    await expect(engine.instant(telling, 'm', 0)).rejects.toMatchObject(failure);
  });

  it('end a query whose result takes more bytes than it may, but not one that folds it', async () => {
    const engine = createEngine({ maxBytes: 100_000 });
    const source = sourceOf(series(100, 10));
    const range = (query: string) => engine.range(source, query, 0, 500_000, 1000);
    await expect(range('m')).rejects.toMatchObject({ kind: 'execution' });
    expect(await range('sum(m)')).toMatchObject({ type: 'matrix' });
    // What is read and forgotten does not add up.
    const small = sourceOf(series(1, 10));
    const chain = Array.from({ length: 40 }, () => 'm').join(' + ');
    expect(await engine.range(small, chain, 0, 500_000, 1000)).toMatchObject({ type: 'matrix' });
  });
});

describe('explain and trace', () => {
  it('tell what each part gave', async () => {
    const engine = createEngine();
    const source = sourceOf(series(3, 10));
    const { plan } = await engine.range(source, 'sum(m) + 1', 0, 9000, 1000, { explain: true });
    expect(plan).toMatchObject({
      kind: 'binary',
      series: 1,
      samples: 10,
      children: [
        {
          kind: 'aggregate',
          expr: 'sum(m)',
          series: 1,
          children: [{ kind: 'vector-selector', series: 3, samples: 30 }],
        },
        { kind: 'number', expr: '1' },
      ],
    });
    expect(plan).not.toHaveProperty('timeMs');
    const traced = await engine.instant(source, 'm', 9000, { trace: true });
    expect(traced.plan?.timeMs).toBeGreaterThanOrEqual(0);
    expect(await engine.instant(source, 'm', 9000)).not.toHaveProperty('plan');
  });
});

describe('a large result', () => {
  it('is sorted by labels while other work goes on', async () => {
    const engine = createEngine();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const result = await engine.range(sourceOf(series(20_000, 2)), 'm + 0', 0, 1000, 1000);
    clearInterval(timer);
    const ids = result.type === 'matrix' ? result.value.map(({ labels }) => labels[1]!) : [];
    expect(ids).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i).padStart(6, '0')));
    expect(turns).toBeGreaterThan(0);
  });
});
