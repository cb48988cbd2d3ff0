import { setImmediate as nextTurn } from 'node:timers';
import { turns } from './turns.ts';

const DEFAULT_TURN_MS = 8;

/**
 * A function to be awaited now and then in long work: it gives others their turn every few milliseconds, and
 * throws the signal's reason where it is aborted.
 */
export function createYielder(signal?: AbortSignal, turnMs = DEFAULT_TURN_MS): () => Promise<void> {
  // Steps of one work that follow each other without a turn in between share the turn that they begin in.
  let turnEnd = turnStartMs() + Math.min(turnMs, turns.lengthMs);
  return async () => {
    if (performance.now() < turnEnd) return;
    await turns.next();
    signal?.throwIfAborted();
    turnEnd = performance.now() + Math.min(turnMs, turns.lengthMs);
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
