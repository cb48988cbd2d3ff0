const MAX_PER_BUCKET = 8;

/**
 * Gives series with equal timestamps one array: series that were scraped together then share their columns by
 * identity, which the engine uses. Lives as long as one select.
 */
export class SharedTimestamps {
  readonly #buckets = new Map<number, Float64Array[]>();
  #last: Float64Array | undefined;

  /** An array equal to the first `count` of `scratch`: one given out before, or a copy. */
  share(scratch: Float64Array, count: number): Float64Array {
    if (this.#last !== undefined && isEqual(this.#last, scratch, count)) return this.#last;
    const hash = hashOf(scratch, count);
    let bucket = this.#buckets.get(hash);
    if (bucket === undefined) this.#buckets.set(hash, (bucket = []));
    for (const timestamps of bucket) {
      if (isEqual(timestamps, scratch, count)) return (this.#last = timestamps);
    }
    const copy = scratch.slice(0, count);
    if (bucket.length < MAX_PER_BUCKET) bucket.push(copy);
    return (this.#last = copy);
  }
}

function isEqual(timestamps: Float64Array, scratch: Float64Array, count: number): boolean {
  if (timestamps.length !== count) return false;
  for (let i = 0; i < count; i++) if (timestamps[i] !== scratch[i]) return false;
  return true;
}

/** Over a few of the timestamps only: equal columns hash equal, and the comparison decides. */
function hashOf(scratch: Float64Array, count: number): number {
  let hash = count;
  const step = Math.max(1, count >>> 4);
  for (let i = 0; i < count; i += step) hash = (Math.imul(hash, 31) + (scratch[i]! % 0x7fffffff)) | 0;
  return count === 0 ? 0 : (Math.imul(hash, 31) + (scratch[count - 1]! % 0x7fffffff)) | 0;
}
