import type { FloatHistogram } from '../histogram.ts';
import { usesCustomBuckets } from './bounds.ts';
import {
  combineBuckets,
  commonBounds,
  reduceBounds,
  reduceResolution,
  type SparseBuckets,
  toSparse,
} from './sparse.ts';
import { widenZeroBucket } from './zero-bucket.ts';

/** Whether a counter histogram was reset between `previous` and `current`: a known hint decides, else any fall. */
export function detectReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.counterResetHint === 'reset') return true;
  if (current.counterResetHint === 'not_reset') return false;
  if (current.count < previous.count) return true;
  if (usesCustomBuckets(current.schema) !== usesCustomBuckets(previous.schema)) return true;
  let now = toSparse(current);
  let before = toSparse(previous);
  if (usesCustomBuckets(current.schema)) {
    const common = commonBounds(now.customValues, before.customValues);
    now = reduceBounds(now, common);
    before = reduceBounds(before, common);
    return fell(now.positive, before.positive);
  }
  if (now.schema > before.schema || now.zeroThreshold < before.zeroThreshold) return true;
  before = widenZeroBucket(before, now.zeroThreshold);
  if (before.zeroThreshold !== now.zeroThreshold || now.zeroCount < before.zeroCount) return true;
  before = reduceResolution(before, now.schema);
  return fell(now.positive, before.positive) || fell(now.negative, before.negative);
}

function fell(now: SparseBuckets, before: SparseBuckets): boolean {
  return combineBuckets(now, before, (x, y) => (x < y ? 1 : 0)).counts.includes(1);
}
