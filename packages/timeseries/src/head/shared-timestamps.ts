const MAX_PER_START = 8;
const NONE: readonly Float64Array[] = [];

/**
 * Gives series with equal timestamps one array: series that were scraped together then share their columns by
 * identity, which the engine uses. Lives as long as one select.
 */
export class SharedTimestamps {
  /** By the first timestamp: targets are scraped at different offsets into the interval. */
  readonly #byStart = new Map<number, Float64Array[]>();

  /** The columns given out that begin at this time, the newest first. */
  startingAt(timestampMs: number): readonly Float64Array[] {
    return this.#byStart.get(timestampMs) ?? NONE;
  }

  /** An array equal to the first `count` (at least one) of `scratch`: one given out before, or a copy. */
  share(scratch: Float64Array, count: number): Float64Array {
    return this.find(scratch, count) ?? this.keep(scratch.slice(0, count));
  }

  /** An array given out before that is equal to the first `count` (at least one) of `scratch`. */
  find(scratch: Float64Array, count: number): Float64Array | undefined {
    for (const timestamps of this.startingAt(scratch[0]!)) if (isEqual(timestamps, scratch, count)) return timestamps;
    return undefined;
  }

  /** Gives out `timestamps` itself, which is not changed any more. */
  keep(timestamps: Float64Array): Float64Array {
    const startMs = timestamps[0]!;
    let columns = this.#byStart.get(startMs);
    if (columns === undefined) this.#byStart.set(startMs, (columns = []));
    columns.unshift(timestamps);
    if (columns.length > MAX_PER_START) columns.pop();
    return timestamps;
  }
}

function isEqual(timestamps: Float64Array, scratch: Float64Array, count: number): boolean {
  if (timestamps.length !== count) return false;
  for (let i = 0; i < count; i++) if (timestamps[i] !== scratch[i]) return false;
  return true;
}
