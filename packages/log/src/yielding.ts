import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Longest stretch of work without a turn of the event loop, ms. A commit takes several turns, one after the other, and each
 * of them waits for a stretch.
 */
const stretchMs = 0.25;
/** Looking at the clock costs; this many calls share one look. */
const callsPerLook = 32;

/** Lets long work make room for others: `await` {@link pause} whenever {@link isDue}. */
export class WorkPacer {
  private readonly signal: AbortSignal | undefined;
  private startedMs = performance.now();
  private calls = 0;

  /** `signal` calls the work off at its next pause. */
  constructor(signal?: AbortSignal) {
    this.signal = signal;
  }

  isDue(): boolean {
    if (++this.calls < callsPerLook) return false;
    return this.isDueNow();
  }

  /** The same for steps that are long themselves, each of which looks. */
  isDueNow(): boolean {
    this.calls = 0;
    return performance.now() - this.startedMs > stretchMs;
  }

  /** @throws the reason of the signal */
  async pause(): Promise<void> {
    await nextTurn();
    this.signal?.throwIfAborted();
    this.startedMs = performance.now();
  }
}
