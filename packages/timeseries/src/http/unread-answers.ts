import { defaultBodyMemoryBytes } from '@opendata/server';

/** Who has not taken the next piece of an answer for so long does not read it any more. */
const LONGEST_WAIT_MS = 120_000;
/**
 * While there is no room for all answers. The system takes more only when a third of its 4 MB is free again: a client that
 * reads 64 KiB/s is seen to read every 22 seconds.
 */
const CROWDED_WAIT_MS = 30_000;
/** While there is not even room for half of them. */
const SHORTEST_WAIT_MS = 2000;
const CHECK_INTERVAL_MS = 1000;

/** An answer on its way, and what it is made of in memory. */
export interface UnreadAnswer {
  readonly sizeBytes: number;
  /** Since when its client has been waited for; `undefined` while the next piece is made. */
  waitingSinceMs: number | undefined;
  /** Breaks the connection off. */
  cut(): void;
}

/**
 * What answers are made of stays in memory until their clients have read them. Clients that do not read are cut off, after two
 * minutes; where all answers have over `limitBytes` after half a minute, and over twice that after two, the longest first, until the
 * rest fits.
 */
export class UnreadAnswers {
  readonly #limitBytes: number;
  readonly #now: () => number;
  readonly #answers = new Set<UnreadAnswer>();
  #usedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param now a monotonic clock, ms */
  constructor(limitBytes: number, now: () => number = () => performance.now()) {
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  /** Bytes of the answers on their way, by estimate. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @returns what to call once it was read, or cut off */
  add(answer: UnreadAnswer): () => void {
    this.#answers.add(answer);
    this.#usedBytes += answer.sizeBytes;
    this.#timer ??= setInterval(() => this.check(), CHECK_INTERVAL_MS).unref();
    return () => this.#remove(answer);
  }

  /** Cuts off who does not read. Called every second while there are answers. */
  check(): void {
    const nowMs = this.#now();
    const waitMs = ({ waitingSinceMs }: UnreadAnswer) => (waitingSinceMs === undefined ? -1 : nowMs - waitingSinceMs);
    const waiting = [...this.#answers].filter((answer) => waitMs(answer) >= SHORTEST_WAIT_MS);
    waiting.sort((a, b) => waitMs(b) - waitMs(a));
    for (const answer of waiting) {
      if (waitMs(answer) < this.#allowedMs()) return;
      this.#remove(answer);
      answer.cut();
    }
  }

  #allowedMs(): number {
    if (this.#usedBytes <= this.#limitBytes) return LONGEST_WAIT_MS;
    return this.#usedBytes <= 2 * this.#limitBytes ? CROWDED_WAIT_MS : SHORTEST_WAIT_MS;
  }

  #remove(answer: UnreadAnswer): void {
    if (!this.#answers.delete(answer)) return;
    this.#usedBytes -= answer.sizeBytes;
    if (this.#answers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Those of the process: an eighth of the memory, 64 MiB at least. */
export const unreadAnswers = new UnreadAnswers(defaultBodyMemoryBytes());
