const perDoubling = 64;
const smallestMs = 0.001;
const buckets = perDoubling * 32;

/** Latencies in buckets that are 1.1 % wide, from 1 µs to over an hour: the same memory however many there are. */
export class Latencies {
  private readonly counts = new Uint32Array(buckets);
  private maxMs = 0;
  count = 0;

  add(latencyMs: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(latencyMs, smallestMs) / smallestMs) * perDoubling);
    this.counts[Math.min(buckets - 1, bucket)]!++;
    this.count++;
    if (latencyMs > this.maxMs) this.maxMs = latencyMs;
  }

  /** The latency that `percent` of all do not exceed, at most 1.1 % too high; 0 when there are none. */
  percentile(percent: number): number {
    const wanted = Math.ceil((percent / 100) * this.count);
    if (wanted >= this.count) return this.maxMs;
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.counts[bucket]!;
      if (seen >= wanted && seen > 0) return Math.min(this.maxMs, smallestMs * 2 ** (bucket / perDoubling));
    }
    return this.maxMs;
  }
}
