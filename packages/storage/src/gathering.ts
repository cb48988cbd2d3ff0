/** After so many commits, at most, waiting in vain is tried again. */
const mostSkipped = 64;

/** Who may be waited for. */
export interface Gathered {
  /** How many wait for groups that were not taken. */
  readonly waiting: number;
  /** Since when the next group takes entries, by the monotonic clock; undefined where it is full, or there is none. */
  gatheringSinceMs(): number | undefined;
}

/**
 * Whether a commit waits for more writers. Writers that were answered together write again soon after each other, each as
 * soon as it has its answer: one commit for all of them costs as much as one for half of them. Where they do not come,
 * waiting is tried ever more seldom.
 */
export class Gathering {
  readonly #longestMs: number;
  #expected = 0;
  #skips = 0;
  #toSkip = 0;

  /** @param longestMs how long a group waits at most, from its first entry on; 0: never */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** A commit is over: so many were answered by it, so many wait for the next one. */
  answered(answered: number, waiting: number): void {
    this.#expected = answered + waiting;
    if (this.#toSkip > 0) this.#toSkip--;
  }

  /** How long the next group may still wait for those who are expected to join it, ms; 0: not at all. */
  leftMs(next: Gathered): number {
    if (this.#toSkip > 0 || next.waiting === 0 || next.waiting >= this.#expected) return 0;
    const sinceMs = next.gatheringSinceMs();
    return sinceMs === undefined ? 0 : Math.max(0, sinceMs + this.#longestMs - performance.now());
  }

  /** The wait for a group is over: all came, or the time was up. */
  ended(next: Gathered): void {
    this.#skips = next.waiting >= this.#expected ? 0 : Math.min(mostSkipped, Math.max(1, 2 * this.#skips));
    // The commit that has waited is over before those that do not wait.
    this.#toSkip = this.#skips === 0 ? 0 : this.#skips + 1;
  }
}
