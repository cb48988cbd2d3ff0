import { setImmediate } from 'node:timers/promises';

const DEFAULT_TURN_MS = 8;

/**
 * A function to be awaited now and then in long work: it gives the event loop a turn every few milliseconds, and
 * throws the signal's reason where it is aborted.
 */
export function createYielder(signal?: AbortSignal, turnMs = DEFAULT_TURN_MS): () => Promise<void> {
  let turnEnd = performance.now() + turnMs;
  return async () => {
    if (performance.now() < turnEnd) return;
    await setImmediate();
    signal?.throwIfAborted();
    turnEnd = performance.now() + turnMs;
  };
}
