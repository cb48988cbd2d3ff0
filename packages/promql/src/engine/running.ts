import { yieldToLoop } from './context.ts';
import { QueryError } from './errors.ts';

/** A query that is being evaluated, or waits for its turn. */
export interface RunningQuery {
  readonly id: number;
  readonly query: string;
  /** Unix milliseconds. */
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly state: 'queued' | 'running';
  /** Samples that passed through the evaluation so far. */
  readonly samples: number;
}

/** A place in the list of running queries. */
export interface RunningEntry {
  /** Aborted when the query is cancelled through the list. */
  readonly controller: AbortController;
  /** Says where the samples are counted; the query is no longer queued. */
  begin(stats: { readonly totalSamples: number }): void;
  end(): void;
}

export interface RunningQueries {
  /** @param controller the query's own, made where there is none */
  add(query: string, controller?: AbortController): RunningEntry;
  /** In order of their start. */
  list(): RunningQuery[];
  /** False where there is no such query any more. */
  cancel(id: number): boolean;
}

export function createRunningQueries(): RunningQueries {
  interface Entry {
    readonly id: number;
    readonly query: string;
    readonly startedMs: number;
    readonly startedAt: number;
    readonly controller: AbortController;
    stats: { readonly totalSamples: number } | undefined;
  }
  const entries = new Map<number, Entry>();
  let lastId = 0;
  return {
    add(query, controller = new AbortController()) {
      const id = ++lastId;
      const entry: Entry = {
        id,
        query,
        startedMs: Date.now(),
        startedAt: performance.now(),
        controller,
        stats: undefined,
      };
      entries.set(id, entry);
      return {
        controller,
        begin(stats) {
          entry.stats = stats;
        },
        end: () => void entries.delete(id),
      };
    },
    list: () =>
      [...entries.values()].map(({ id, query, startedMs, startedAt, stats }) => ({
        id,
        query,
        startedMs,
        elapsedMs: performance.now() - startedAt,
        state: stats === undefined ? 'queued' : 'running',
        samples: stats?.totalSamples ?? 0,
      })),
    cancel(id) {
      const entry = entries.get(id);
      entry?.controller.abort();
      return entry !== undefined;
    },
  };
}

/** Lets so many queries run at once; the others wait in order, up to so many. */
export interface QueryGate {
  /**
   * Resolves to the function that gives the place back.
   * @throws QueryError when the query is cancelled or times out before its turn, or too many wait already
   */
  enter(signal: AbortSignal | undefined, cancelSignal: AbortSignal, timeoutMs: number): Promise<() => void>;
}

export function createQueryGate(maxConcurrency: number, maxQueued: number): QueryGate {
  let running = 0;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  return {
    async enter(signal, cancelSignal, timeoutMs) {
      if (running < maxConcurrency) {
        running++;
        return leave;
      }
      if (waiting.length >= maxQueued) {
        throw new QueryError('unavailable', `too many queries: ${running} run and ${waiting.length} wait already`);
      }
      await new Promise<void>((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          cancelSignal.removeEventListener('abort', onAbort);
        };
        const turn = () => {
          settle();
          resolve();
        };
        const giveUp = (error: QueryError) => {
          settle();
          waiting.splice(waiting.indexOf(turn), 1);
          reject(error);
        };
        const onAbort = () => giveUp(new QueryError('canceled', 'query was canceled in query queue'));
        const timer = setTimeout(() => giveUp(new QueryError('timeout', 'query timed out in query queue')), timeoutMs);
        waiting.push(turn);
        signal?.addEventListener('abort', onAbort);
        cancelSignal.addEventListener('abort', onAbort);
        if (signal?.aborted || cancelSignal.aborted) onAbort();
      });
      // Many short queries, one behind the other, would let nobody else in.
      await yieldToLoop();
      return leave;
    },
  };
}
