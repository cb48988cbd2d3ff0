import type { Logger } from '@opendata/storage';
import type { Head } from './head.ts';
import { createYielder } from './yielder.ts';

export interface ForgetOptions {
  readonly head: Head;
  readonly logger: Logger;
  /** How long a series without samples in memory is kept, in ms. */
  readonly idleMs: number;
  /** Bytes of series above which those without samples go sooner. */
  readonly mostBytes: number;
  /** Unix time in ms. */
  readonly now: () => number;
}

const LONGEST_ROUND_MS = 60_000;
const SHORTEST_ROUND_MS = 1000;
const MOST_ROUNDS = 250;
const FEWEST_ROUNDS = 2;
/** Series with a sample that is not older are active. */
const ACTIVE_MS = 600_000;

/** Forgets series that are idle, in rounds. @returns what ends it */
export function forgetRegularly({ head, logger, idleMs, mostBytes, now }: ForgetOptions): () => void {
  const wantedMs = Math.min(LONGEST_ROUND_MS, Math.max(SHORTEST_ROUND_MS, idleMs / FEWEST_ROUNDS));
  const roundMs = Math.max(wantedMs, idleMs / MOST_ROUNDS);
  const rounds = Math.ceil(idleMs / roundMs);
  const stopping = new AbortController();
  let startedMs = performance.now();
  const timer = setInterval(() => {
    const isPressed = head.series.memoryBytes > mostBytes;
    if (!isPressed && performance.now() - startedMs < roundMs) return;
    startedMs = performance.now();
    const enough = isPressed ? FEWEST_ROUNDS : rounds;
    head.forgetting.round(enough, now() - ACTIVE_MS, createYielder(stopping.signal)).then(
      (series) => {
        if (series > 0) logger.info({ series, left: head.series.count }, 'idle series forgotten');
      },
      (error: unknown) => {
        if (!stopping.signal.aborted) logger.error({ err: error }, 'series could not be forgotten');
      },
    );
  }, SHORTEST_ROUND_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    stopping.abort(new Error('the database is closing'));
  };
}
