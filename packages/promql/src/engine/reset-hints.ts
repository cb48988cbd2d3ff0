import { detectReset } from '../histogram/counter-reset.ts';
import type { FloatHistogram } from '../histogram.ts';
import type { SeriesColumns } from '../source.ts';

/** Functions that need no buckets: what they read gets its unknown counter reset hints decided, sample by sample. */
export const STATISTICS_FUNCTIONS: ReadonlySet<string> = new Set(['histogram_avg', 'histogram_count', 'histogram_sum']);

/** The series with every unknown counter reset hint decided by comparison with the sample before. */
export function withDetectedResets(columns: SeriesColumns): SeriesColumns {
  const { histograms } = columns;
  if (histograms === undefined) return columns;
  let previous: FloatHistogram | undefined;
  const decided = histograms.map((histogram) => {
    if (histogram === undefined) return undefined;
    let result = histogram;
    if (histogram.counterResetHint === 'unknown' && previous !== undefined) {
      result = { ...histogram, counterResetHint: detectReset(histogram, previous) ? 'reset' : 'not_reset' };
    }
    previous = histogram;
    return result;
  });
  return { ...columns, histograms: decided };
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
