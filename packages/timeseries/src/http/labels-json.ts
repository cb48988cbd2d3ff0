import { Buffer } from 'node:buffer';
import type { Labels } from '@opendata/promql';
import type { JsonBytes } from './json-bytes.ts';

const FIRST_BYTES = 64 * 1024;
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Writes lists of label sets as JSON, and keeps the bytes of those that it wrote: dashboards list the same series again and
 * again. Sets that were written one after the other lie so, and are copied together.
 */
export class LabelsJson {
  readonly #toJson: (labels: Labels) => string;
  readonly #maxBytes: number;
  #numbers = new WeakMap<Labels, number>();
  /** By number: where its bytes begin; they end where those of the next one do. */
  #starts = [0];
  #bytes: Buffer = Buffer.alloc(0);

  /** @param maxBytes when so much is kept, all of it is forgotten */
  constructor(toJson: (labels: Labels) => string, maxBytes = DEFAULT_MAX_BYTES) {
    this.#toJson = toJson;
    this.#maxBytes = maxBytes;
  }

  /** Writes `list[from]` to `list[to - 1]`, each but the first of the list with a comma before it. */
  write(out: JsonBytes, list: readonly Labels[], from: number, to: number): void {
    let start = 0;
    let end = 0;
    for (let i = from; i < to; i++) {
      const labels = list[i]!;
      let number = this.#numbers.get(labels);
      if (number === undefined) {
        if (this.#starts.at(-1)! >= this.#maxBytes) {
          if (end > start) out.copy(this.#bytes, start, end);
          start = end = 0;
          this.#numbers = new WeakMap();
          this.#starts = [0];
        }
        number = this.#add(labels);
      }
      const at = this.#starts[number]!;
      if (at !== end || i === 0) {
        if (end > start) out.copy(this.#bytes, start, end);
        start = i === 0 ? at + 1 : at;
      }
      end = this.#starts[number + 1]!;
    }
    if (end > start) out.copy(this.#bytes, start, end);
  }

  #add(labels: Labels): number {
    const text = `,${this.#toJson(labels)}`;
    const number = this.#starts.length - 1;
    const start = this.#starts[number]!;
    const needed = start + text.length * 3;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, FIRST_BYTES));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    this.#starts.push(start + this.#bytes.write(text, start));
    this.#numbers.set(labels, number);
    return number;
  }
}
