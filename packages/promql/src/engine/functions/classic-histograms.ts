/** Cumulative classic buckets of one histogram at one step, in any order. */
export interface ClassicBuckets {
  readonly upperBounds: number[];
  readonly counts: number[];
}

/** How far bucket counts had to be repaired so that they ascend. */
export interface MonotonicityFix {
  forced: boolean;
  lowestBound: number;
  highestBound: number;
  largestDifference: number;
}

const SMALL_DELTA_TOLERANCE = 1e-12;
const MIN_NORMAL = 2.2250738585072014e-308;

/** Equality within a relative tolerance; NaN equals NaN. */
export function almostEqual(a: number, b: number, tolerance: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const difference = Math.abs(a - b);
  const magnitude = Math.abs(a) + Math.abs(b);
  if (a === 0 || b === 0 || magnitude < MIN_NORMAL) return difference < tolerance * MIN_NORMAL;
  return difference / Math.min(magnitude, Number.MAX_VALUE) < tolerance;
}

/** Sorts by bound and adds up buckets of the same bound. */
export function normalise(buckets: ClassicBuckets): ClassicBuckets {
  const { upperBounds, counts } = buckets;
  if (ascends(upperBounds)) return buckets;
  const order = upperBounds.map((_, i) => i).sort((a, b) => upperBounds[a]! - upperBounds[b]! || 0);
  const sorted: ClassicBuckets = { upperBounds: [], counts: [] };
  for (const i of order) {
    const last = sorted.upperBounds.length - 1;
    if (last >= 0 && sorted.upperBounds[last] === upperBounds[i]) sorted.counts[last]! += counts[i]!;
    else {
      sorted.upperBounds.push(upperBounds[i]!);
      sorted.counts.push(counts[i]!);
    }
  }
  return sorted;
}

function ascends(bounds: readonly number[]): boolean {
  for (let i = 1; i < bounds.length; i++) if (!(bounds[i - 1]! < bounds[i]!)) return false;
  return true;
}

/** Raises counts that are below the one before. Differences within float noise do not count as a fix. */
function ensureMonotonic({ upperBounds, counts }: ClassicBuckets, fix: MonotonicityFix): void {
  let previous = counts[0]!;
  for (let i = 1; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === previous) continue;
    if (almostEqual(previous, count, SMALL_DELTA_TOLERANCE)) counts[i] = previous;
    else if (count < previous) {
      const difference = previous - count;
      if (!fix.forced) fix.lowestBound = upperBounds[i]!;
      fix.highestBound = upperBounds[i]!;
      fix.largestDifference = Math.max(fix.forced ? fix.largestDifference : 0, difference);
      fix.forced = true;
      counts[i] = previous;
    } else previous = count;
  }
}

/** The φ-quantile of cumulative buckets, interpolated linearly inside a bucket. */
export function bucketQuantile(q: number, buckets: ClassicBuckets, fix: MonotonicityFix): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const sorted = normalise(buckets);
  const { upperBounds, counts } = sorted;
  const last = upperBounds.length - 1;
  if (upperBounds[last] !== Infinity) return Number.NaN;
  ensureMonotonic(sorted, fix);
  if (upperBounds.length < 2) return Number.NaN;
  const observations = counts[last]!;
  if (observations === 0) return Number.NaN;
  let rank = q * observations;
  // By halves, as Prometheus does: where counts are NaN, another search would end elsewhere.
  let b = 0;
  for (let high = last; b < high; ) {
    const middle = (b + high) >>> 1;
    if (counts[middle]! >= rank) high = middle;
    else b = middle + 1;
  }
  if (b === last) return upperBounds[last - 1]!;
  if (b === 0 && upperBounds[0]! <= 0) return upperBounds[0]!;
  const end = upperBounds[b]!;
  if (b === 0) return end * (rank / counts[0]!);
  const start = upperBounds[b - 1]!;
  rank -= counts[b - 1]!;
  return start + (end - start) * (rank / (counts[b]! - counts[b - 1]!));
}

/** The share of observations between two bounds, interpolated linearly inside buckets. */
export function bucketFraction(lower: number, upper: number, buckets: ClassicBuckets): number {
  const { upperBounds, counts } = normalise(buckets);
  const last = upperBounds.length - 1;
  if (upperBounds[last] !== Infinity) return Number.NaN;
  const count = counts[last]!;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const rankOf = (value: number): number => {
    if (value === Infinity) return count;
    let below = 0;
    let start = upperBounds[0]! > 0 ? 0 : -Infinity;
    for (let b = 0; b <= last; b++) {
      const end = upperBounds[b]!;
      if (value <= start) return below;
      if (value < end) {
        if (start === -Infinity) return counts[b]!;
        return below + ((counts[b]! - below) * (value - start)) / (end - start);
      }
      below = counts[b]!;
      start = end;
    }
    return below;
  };
  // Where buckets do not ascend a rank may be above the last count.
  return (Math.min(rankOf(upper), count) - Math.min(rankOf(lower), count)) / count;
}
