import type { PositionRange } from '../ast.ts';
import { formatPosition } from '../parse-error.ts';
import type { SeriesSource } from '../source.ts';
import { type Annotations, createAnnotations } from './annotations.ts';
import { QueryError } from './errors.ts';
import { createMemoryAccount, type MemoryAccount } from './memory.ts';

const WORK_PER_LOOK = 10_000;
/** What hashing or comparing the labels of a series costs, in samples. */
export const WORK_PER_SERIES = 50;

/** How a query shares the thread with others. */
export interface Turns {
  /** How long a query may go on before it asks for its next turn, ms. */
  readonly lengthMs: number;
  /** Work between two looks at the clock, in samples or steps touched; 10,000 by default. */
  readonly workPerLook?: number;
  /** Resolves when it may go on. */
  next(): Promise<void>;
}

export interface QueryLimits {
  readonly maxSamples: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The query's own: aborted by whoever cancels it, at its timeout, and when `signal` is. */
  readonly controller: AbortController;
  readonly turns: Turns;
}

export interface QueryParameters {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly noStepSubqueryIntervalMs: number;
  readonly delayedNameRemoval: boolean;
  /** Start timestamps of samples count as counter resets and bound extrapolation. */
  readonly useStartTimestamps: boolean;
}

/** What one running query carries along. */
export interface QueryContext extends QueryParameters {
  readonly source: SeriesSource;
  readonly annotations: Annotations;
  /** Aborted by the caller's signal or at the timeout. */
  readonly signal: AbortSignal;
  readonly memory: MemoryAccount;
  /** Counts samples held in memory. @throws QueryError when the limit is passed. */
  hold(samples: number): void;
  /** Samples are no longer held. */
  release(samples: number): void;
  /** Notes work done; true when it is time to `await pause()`. */
  due(work: number): boolean;
  /** Notes label work on one series; true as for `due`. */
  dueSeries(): boolean;
  /** Lets the event loop run. @throws QueryError when the query was cancelled or has timed out. */
  pause(): Promise<void>;
  /** @throws QueryError when the query was cancelled or has timed out. */
  check(where: string): void;
  /** `line:column` of a node, for annotations. */
  position(range: PositionRange): string;
  readonly stats: { peakSamples: number; totalSamples: number; sortMs: number };
  dispose(): void;
}

type Immediate = (callback: () => void) => unknown;

const immediate: Immediate =
  (globalThis as { setImmediate?: Immediate }).setImmediate ?? ((callback) => setTimeout(callback, 0));

/** Resolves once the event loop has had a turn. */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => void immediate(resolve));
}

/** A turn of the event loop every 8 ms. */
export const loopTurns: Turns = { lengthMs: 8, next: yieldToLoop };

export function createContext(
  parameters: QueryParameters,
  limits: QueryLimits,
  source: SeriesSource,
  query: string | undefined,
): QueryContext {
  const { maxSamples, timeoutMs, signal: outer, controller, turns } = limits;
  const deadline = performance.now() + timeoutMs;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, timeoutMs);
  (timer as { unref?: () => void }).unref?.();
  const onAbort = () => controller.abort();
  if (outer?.aborted) controller.abort();
  else outer?.addEventListener('abort', onAbort, { once: true });

  const stats = { peakSamples: 0, totalSamples: 0, sortMs: 0 };
  let held = 0;
  let work = 0;
  const { workPerLook = WORK_PER_LOOK } = turns;
  let turnEndMs = performance.now() + turns.lengthMs;

  const check = (where: string) => {
    if (timedOut || performance.now() > deadline) {
      throw new QueryError('timeout', `query timed out in ${where}`);
    }
    if (controller.signal.aborted) throw new QueryError('canceled', `query was canceled in ${where}`);
  };

  const due = (amount: number) => {
    work += amount;
    if (work < workPerLook) return false;
    work = 0;
    return performance.now() >= turnEndMs;
  };

  return {
    ...parameters,
    source,
    annotations: createAnnotations(),
    memory: createMemoryAccount(limits.maxBytes),
    signal: controller.signal,
    stats,
    check,
    hold(samples) {
      held += samples;
      stats.totalSamples += samples;
      if (held > stats.peakSamples) stats.peakSamples = held;
      if (held > maxSamples) {
        throw new QueryError(
          'execution',
          'query processing would load too many samples into memory in query execution',
        );
      }
    },
    release(samples) {
      held -= samples;
    },
    due,
    dueSeries: () => due(WORK_PER_SERIES),
    async pause() {
      await turns.next();
      check('expression evaluation');
      turnEndMs = performance.now() + turns.lengthMs;
    },
    position: (range) => (query === undefined ? '' : formatPosition(query, range.start)),
    dispose() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}
