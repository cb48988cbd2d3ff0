import type { Block } from './block.ts';
import type { PageReader } from './codec/index.ts';
import type { PageColumns } from './decoded-columns.ts';
import type { DataPage } from './index/data-page.ts';
import { firstAtOrAfter } from './slices.ts';

export interface SampleRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly yielder: () => Promise<void>;
  /** Told the bytes of values that were read; throws where they are too many. */
  readonly hold?: ((bytes: number) => void) | undefined;
  /** Makes equal columns one: timestamps of series that were scraped together. */
  readonly share: (timestamps: Float64Array) => Float64Array;
}

/** Values of several series are allocated together. */
const SLAB_VALUES = 32_768;
const NOTHING = new Float64Array(0);

/** The part of a column of timestamps that is in the range. Series may have a column each, so arrays are made where needed. */
export class Clip {
  readonly from: number;
  readonly to: number;
  readonly #all: Float64Array;
  readonly #share: SampleRange['share'];
  #timestamps: Float64Array | undefined;
  #newest: Float64Array | undefined;

  constructor(all: Float64Array, { startMs, endMs, share }: SampleRange) {
    this.from = firstAtOrAfter(all, startMs);
    this.to = firstAfter(all, endMs);
    this.#all = all;
    this.#share = share;
  }

  /** The part, which must not be empty. */
  get timestamps(): Float64Array {
    this.#timestamps ??= this.#share(this.#all.subarray(this.from, this.to));
    return this.#timestamps;
  }

  /** The last of the part, which must not be empty. */
  get newest(): Float64Array {
    if (this.#newest === undefined) {
      this.#newest = new Float64Array(1);
      this.#newest[0] = this.#all[this.to - 1]!;
    }
    return this.#newest;
  }
}

/** Columns of a page, from the cache where they are there. */
export class ColumnReader {
  readonly samples: PageReader;
  /** Samples decoded, and a little for everything else; set to 0 by whom it concerns. */
  work = 0;
  readonly #block: Block;
  readonly #page: number;
  readonly #range: SampleRange;
  readonly #kept: PageColumns | undefined;
  readonly #clips: Map<Float64Array, Clip>;
  readonly #clipOf: (Clip | undefined)[] = [];
  #slab = NOTHING;
  #slabUsed = 0;
  /** Series that may still be read. */
  #left: number;

  constructor(
    block: Block,
    pageNumber: number,
    page: DataPage,
    range: SampleRange,
    clips: Map<Float64Array, Clip>,
    wanted: number,
  ) {
    this.samples = page.samples;
    this.#block = block;
    this.#page = pageNumber;
    this.#range = range;
    this.#clips = clips;
    this.#left = wanted;
    this.#kept = block.pages.columns.of(block.id, pageNumber);
  }

  clip(i: number): Clip {
    const pattern = this.samples.patternOf(i);
    const known = this.#clipOf[pattern];
    if (known !== undefined) return known;
    const all = this.#block.pages.columns.timestamps(this.#block.id, this.samples.timestamps(i));
    this.samples.shareTimestamps(pattern, all);
    let clip = this.#clips.get(all);
    if (clip === undefined) this.#clips.set(all, (clip = new Clip(all, this.#range)));
    this.#clipOf[pattern] = clip;
    return clip;
  }

  /** The values of a series without histograms. @param from what is needed of them */
  values(i: number, from: number, to: number): Float64Array {
    const kept = this.#kept;
    const known = kept?.values[i];
    if (known !== undefined) return known.subarray(from, to);
    const count = this.samples.sampleCount(i);
    const all = this.#allocate(count);
    this.samples.readValues(i, all);
    this.work += count;
    // What is a small part of the column is copied, so that the rest need not be kept.
    if (kept === undefined && (to - from) * 2 < count) return all.slice(from, to);
    this.#slabUsed += count;
    this.#left--;
    if (kept !== undefined) kept.values[i] = all;
    return all.subarray(from, to);
  }

  /** How many of the values from `from` on are neither NaN nor below the one before; 0 where that is not remembered. */
  ascendingCount(i: number, from: number, to: number): number {
    const kept = this.#kept;
    const values = kept?.values[i];
    if (kept === undefined || values === undefined) return 0;
    const count = (kept.ascending[i] ??= ascendingCount(values));
    return Math.max(0, Math.min(count, to) - from);
  }

  #allocate(count: number): Float64Array {
    if (this.#slab.length - this.#slabUsed < count) {
      this.#slab = new Float64Array(Math.max(count, Math.min(SLAB_VALUES, count * this.#left)));
      this.#slabUsed = 0;
      const kept = this.#kept;
      if (kept !== undefined) {
        this.#block.pages.columns.grow(this.#block.id, this.#page, kept, this.#slab.byteLength);
      }
    }
    return this.#slab.subarray(this.#slabUsed, this.#slabUsed + count);
  }
}

function ascendingCount(values: Float64Array): number {
  let before = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= before)) return i;
    before = value;
  }
  return values.length;
}

/** Index of the first time after `timeMs`, the length where there is none. */
function firstAfter(timestamps: Float64Array, timeMs: number): number {
  const at = firstAtOrAfter(timestamps, timeMs);
  return timestamps[at] === timeMs ? at + 1 : at;
}
