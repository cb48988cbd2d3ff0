/**
 * The times of the samples of `target_info`: every step from the first point of a resource to its last, as in
 * Prometheus, but for the steps that have no points near them. A clock that is wrong by decades would else make
 * millions of samples.
 */
export class TargetInfoTimes {
  readonly #stepMs: number;
  /** Times of points, in whole steps since 1970. */
  readonly #steps = new Set<number>();
  #earliestMs = Number.POSITIVE_INFINITY;
  #latestMs = Number.NEGATIVE_INFINITY;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  /** A point has this time, in ms. */
  add(timeMs: number): void {
    if (timeMs < this.#earliestMs) this.#earliestMs = timeMs;
    if (timeMs > this.#latestMs) this.#latestMs = timeMs;
    this.#steps.add(Math.floor(timeMs / this.#stepMs));
  }

  /** The times for the points so far, ascending, in ms; then it begins anew. */
  take(): number[] {
    const stepMs = this.#stepMs;
    const earliestMs = this.#earliestMs;
    const latestMs = this.#latestMs;
    const times = new Set<number>();
    for (const step of this.#steps) {
      const before = Math.max(0, Math.floor((step * stepMs - earliestMs) / stepMs));
      // What is known of a target holds for two steps.
      for (let i = before; i <= before + 2; i++) times.add(earliestMs + i * stepMs);
    }
    const sorted = [...times].filter((timeMs) => timeMs < latestMs).sort((a, b) => a - b);
    if (latestMs >= earliestMs) sorted.push(latestMs);
    this.#steps.clear();
    this.#earliestMs = Number.POSITIVE_INFINITY;
    this.#latestMs = Number.NEGATIVE_INFINITY;
    return sorted;
  }
}
