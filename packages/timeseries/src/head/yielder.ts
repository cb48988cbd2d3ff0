import { setImmediate as nextTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';

const DEFAULT_TURN_MS = 8;

/**
 * A function to be awaited now and then in long work: it gives the event loop a turn every few milliseconds, and
 * throws the signal's reason where it is aborted.
 */
export function createYielder(signal?: AbortSignal, turnMs = DEFAULT_TURN_MS): () => Promise<void> {
  // Steps of one work that follow each other without a turn in between share the turn that they begin in.
  let turnEnd = turnStartMs() + turnMs;
  return async () => {
    if (performance.now() < turnEnd) return;
    await setImmediate();
    signal?.throwIfAborted();
    turnEnd = performance.now() + turnMs;
  };
}

let startMs: number | undefined;

/** When it was first asked for in this turn of the event loop. */
function turnStartMs(): number {
  if (startMs === undefined) {
    startMs = performance.now();
    nextTurn(forgetTurn);
  }
  return startMs;
}

function forgetTurn(): void {
  startMs = undefined;
}
