import { setImmediate } from 'node:timers';

/** Least and longest time that a piece of long work takes at once. */
const SHORT_MS = 2;
const LONG_MS = 8;
const WORK_PER_LOOK = 10_000;
/** A request is several small steps, each a turn of the event loop after the one before: so many go ahead of a piece. */
const POLLS = 3;
/** Others do not go ahead for longer than this, ms. */
const OTHERS_MS = 4;
/** What others do between two pieces is averaged over about so many: a pause of the garbage collector is no load. */
const AVERAGED_PIECES = 8;

/**
 * Pieces of long work, of queries and of others, take turns with everything else on the event loop: one piece at a time,
 * whoever's it is, and after each the loop is run a few times, so that what arrives is not answered at the rate of one
 * step a piece. A piece is short where others have little to do, which is when they wait for it and not for each
 * other, and twice as long as what they do where that goes on to be much, so that neither side is starved.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;
  #isPieceRunning = false;
  #pieceEndedMs = 0;
  #polls = 0;
  #othersMs = 0;
  #lengthMs: number;
  readonly #now: () => number;
  readonly #longestMs: number;
  /** For queries: work between two looks at the clock, in samples or steps. */
  readonly workPerLook: number;

  /**
   * @param now a monotonic clock, ms
   * @param longestMs that a piece takes at once
   */
  constructor(now: () => number = () => performance.now(), longestMs = LONG_MS, workPerLook = WORK_PER_LOOK) {
    this.#now = now;
    this.#longestMs = longestMs;
    this.#lengthMs = Math.min(SHORT_MS, longestMs);
    this.workPerLook = workPerLook;
  }

  /** How long the piece that has its turn may take, ms. */
  get lengthMs(): number {
    return this.#lengthMs;
  }

  /** Resolves when the caller may go on, for `lengthMs`. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isScheduled || this.#isPieceRunning) this.#pieceEndedMs = this.#now();
      this.#isPieceRunning = false;
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#polls = 0;
    setImmediate(this.#poll);
  }

  readonly #poll = (): void => {
    const nowMs = this.#now();
    const othersMs = nowMs - this.#pieceEndedMs;
    if (++this.#polls < POLLS && othersMs < OTHERS_MS) {
      setImmediate(this.#poll);
      return;
    }
    this.#othersMs += (Math.min(othersMs, OTHERS_MS) - this.#othersMs) / AVERAGED_PIECES;
    this.#lengthMs = Math.min(this.#longestMs, Math.max(SHORT_MS, 2 * this.#othersMs));
    this.#isScheduled = false;
    this.#isPieceRunning = true;
    this.#pieceEndedMs = nowMs;
    this.#waiting.shift()!();
    if (this.#waiting.length > 0) this.#schedule();
  };
}

/** Those of the process. */
export const turns = new Turns();
