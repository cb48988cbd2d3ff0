import { ByteWriter } from './byte-writer.ts';
import { IntegerColumnEncoder } from './integer-column.ts';
import { comparePart, writePart, writeTimestamps } from './timestamps.ts';

/** Patterns that are longer than this in their own right may be shorter as a part of another. */
const SHORT_BYTES = 16;
/** How many of the newest patterns are tried as the whole of a part. */
const WHOLES_TRIED = 16;

interface Pattern {
  readonly id: number;
  readonly timestamps: Float64Array;
}

/** The distinct timestamp columns of a page that is being written. */
export class PatternTable {
  /** The encoded patterns. */
  readonly writer = new ByteWriter(4096);
  readonly #columns = new IntegerColumnEncoder();
  readonly #encoded = new ByteWriter(1024);
  readonly #part = new ByteWriter(256);
  #patterns: Pattern[] = [];
  /** Those that are not parts. */
  #wholes: Pattern[] = [];
  #byHash = new Map<number, Pattern[]>();
  #last: Pattern | undefined;
  #scratch = new Float64Array(512);
  readonly #dropped = new Uint32Array(64);
  readonly #range = { from: 0 };
  /** Timestamps in all patterns. */
  sampleCount = 0;

  get count(): number {
    return this.#patterns.length;
  }

  clear(): void {
    this.writer.length = 0;
    this.#patterns = [];
    this.#wholes = [];
    this.#byHash = new Map();
    this.#last = undefined;
    this.sampleCount = 0;
  }

  /** The pattern of a column of at least one timestamp; it is copied where it is new. */
  idOf(timestamps: Float64Array): number {
    if (this.#last !== undefined && isEqual(this.#last.timestamps, timestamps)) return this.#last.id;
    const hash = hashOf(timestamps);
    let bucket = this.#byHash.get(hash);
    if (bucket === undefined) this.#byHash.set(hash, (bucket = []));
    for (const pattern of bucket) {
      if (isEqual(pattern.timestamps, timestamps)) return (this.#last = pattern).id;
    }
    const pattern: Pattern = { id: this.#patterns.length, timestamps: timestamps.slice() };
    this.#patterns.push(pattern);
    bucket.push(pattern);
    this.#encode(pattern);
    this.sampleCount += timestamps.length;
    this.#last = pattern;
    return pattern.id;
  }

  #encode(pattern: Pattern): void {
    const { timestamps } = pattern;
    if (this.#scratch.length < timestamps.length) this.#scratch = new Float64Array(timestamps.length * 2);
    const encoded = this.#encoded;
    encoded.length = 0;
    writeTimestamps(encoded, this.#columns, timestamps, this.#scratch);
    const isPart = encoded.length > SHORT_BYTES && this.#writeAsPart(timestamps, encoded.length);
    const shortest = isPart ? this.#part : encoded;
    if (!isPart) this.#wholes.push(pattern);
    this.writer.varint(shortest.length);
    this.writer.append(shortest.bytes.subarray(0, shortest.length));
  }

  /** Looks for the shortest way to take the timestamps from another pattern, below `bytes`. */
  #writeAsPart(timestamps: Float64Array, bytes: number): boolean {
    const wholes = this.#wholes;
    const dropped = this.#dropped;
    for (let i = wholes.length - 1; i >= 0 && i >= wholes.length - WHOLES_TRIED; i--) {
      const whole = wholes[i]!;
      const missing = comparePart(whole.timestamps, timestamps, dropped, this.#range);
      if (missing < 0) continue;
      this.#part.length = 0;
      writePart(this.#part, timestamps.length, whole.id, this.#range.from, dropped, missing);
      if (this.#part.length < bytes) return true;
    }
    return false;
  }
}

function isEqual(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Over a few of the timestamps: equal columns hash equal, and the comparison decides. */
function hashOf(timestamps: Float64Array): number {
  const count = timestamps.length;
  let hash = count;
  const step = Math.max(1, count >>> 3);
  for (let i = 0; i < count; i += step) hash = Math.imul(hash ^ timestamps[i]!, 0x01000193);
  return hash ^ timestamps[count - 1]!;
}
