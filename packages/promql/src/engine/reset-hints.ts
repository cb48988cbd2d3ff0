import { detectReset } from '../histogram/counter-reset.ts';
import type { FloatHistogram } from '../histogram.ts';
import type { SeriesColumns } from '../source.ts';

/** Functions that need no buckets: what they read gets its unknown counter reset hints decided, sample by sample. */
export const STATISTICS_FUNCTIONS: ReadonlySet<string> = new Set([
  'absent',
  'histogram_avg',
  'histogram_count',
  'histogram_sum',
  'start_timestamp',
  'timestamp',
]);

/** The times at which a selector looks at series, and how far back. */
export interface Looks {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly count: number;
  /** From each time on back, both ends inclusive. */
  readonly backMs: number;
}

/**
 * The series with histograms that have count and sum, but no buckets, and every unknown counter reset hint decided by comparison with the sample before, among those that
 * Prometheus comes by: it reads on from sample to sample, but leaps over what lies before the next look.
 */
export function withDetectedResets(columns: SeriesColumns, looks: Looks): SeriesColumns {
  const { histograms } = columns;
  if (histograms === undefined) return columns;
  let previous: FloatHistogram | undefined;
  const decided = histograms.map((histogram) => histogram && withoutBuckets(histogram));
  for (const i of samplesRead(columns.timestamps, looks)) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    if (histogram.counterResetHint === 'unknown' && previous !== undefined) {
      decided[i] = { ...decided[i]!, counterResetHint: detectReset(histogram, previous) ? 'reset' : 'not_reset' };
    }
    previous = histogram;
  }
  return { ...columns, histograms: decided };
}

const NONE = new Float64Array(0);

function withoutBuckets({ schema, counterResetHint, count, sum }: FloatHistogram): FloatHistogram {
  return {
    schema,
    counterResetHint,
    count,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [],
    positiveBuckets: NONE,
    negativeSpans: [],
    negativeBuckets: NONE,
    customValues: NONE,
  };
}

/** Indexes of the samples from each look back, and of the first at or after it. */
function* samplesRead(timestamps: Float64Array, { firstMs, stepMs, count, backMs }: Looks): Generator<number> {
  let next = 0;
  for (let step = 0; step < count; step++) {
    const at = firstMs + step * stepMs;
    while (next < timestamps.length && timestamps[next]! < at - backMs) next++;
    while (next < timestamps.length && (next === 0 || timestamps[next - 1]! < at)) yield next++;
    if (next === timestamps.length) return;
  }
}

/** Bits of what was seen among the hints of histograms that are put together. */
const RESET_SEEN = 1;
const NOT_RESET_SEEN = 2;

export function seenHint({ counterResetHint }: FloatHistogram): number {
  return counterResetHint === 'reset' ? RESET_SEEN : counterResetHint === 'not_reset' ? NOT_RESET_SEEN : 0;
}

/** Whether known resets and known continuations were seen both. */
export function hintsConflict(seen: number): boolean {
  return seen === (RESET_SEEN | NOT_RESET_SEEN);
}
