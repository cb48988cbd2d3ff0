/** The delays of an attempt that fails again and again: each is twice the one before, up to a longest one. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** How long to wait before the next attempt, after one that failed; ms. */
  failed(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(this.#longestMs, 2 * delayMs);
    return delayMs;
  }

  succeeded(): void {
    this.#nextMs = this.#firstMs;
  }
}
