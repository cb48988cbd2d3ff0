import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * How long work goes on without a turn of the event loop, ms. A commit takes several turns, one after the other, and each
 * of them waits for a stretch: so stretches are short while others have something to do, half as long as they took, and
 * longer while nobody else is there.
 */
const leastStretchMs = 0.125;
const idleStretchMs = 0.25;
const longestStretchMs = 1;
/** A turn of the event loop in which nobody else does anything takes less, ms. */
const idleTurnMs = 0.03;
/** Looking at the clock costs; this many calls share one look. */
const callsPerLook = 32;

/** Lets long work make room for others: `await` {@link pause} whenever {@link isDue}. */
export class WorkPacer {
  private readonly signal: AbortSignal | undefined;
  private startedMs = performance.now();
  private stretchMs = idleStretchMs;
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
    return performance.now() - this.startedMs > this.stretchMs;
  }

  /** @throws the reason of the signal */
  async pause(): Promise<void> {
    const pausedMs = performance.now();
    await nextTurn();
    this.signal?.throwIfAborted();
    this.startedMs = performance.now();
    const othersMs = this.startedMs - pausedMs;
    this.stretchMs =
      othersMs < idleTurnMs ? idleStretchMs : Math.min(longestStretchMs, Math.max(leastStretchMs, othersMs / 2));
  }
}
