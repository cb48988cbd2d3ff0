import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest stretch of work without a turn of the event loop, ms. */
const stretchMs = 5;
/** Looking at the clock costs; this many calls share one look. */
const callsPerLook = 64;

/** Lets long work make room for others: `await` {@link pause} whenever {@link isDue}. */
export class WorkPacer {
  private startedMs = performance.now();
  private calls = 0;

  isDue(): boolean {
    if (++this.calls < callsPerLook) return false;
    this.calls = 0;
    return performance.now() - this.startedMs > stretchMs;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.startedMs = performance.now();
  }
}
