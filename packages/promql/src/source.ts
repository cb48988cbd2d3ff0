import type { Matcher } from './ast.ts';
import type { FloatHistogram } from './histogram.ts';
import type { Labels } from './labels.ts';

/** What a selector asks of the storage below the engine. Times are Unix milliseconds, both ends inclusive. */
export interface SelectRequest {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
  /** Only each series' newest sample in the interval is of interest; a source may return more. */
  readonly newestOnly?: boolean;
  /** Aborted when the query is cancelled or times out. */
  readonly signal?: AbortSignal;
  /**
   * Called while reading with the bytes that were taken since the last call, so that a query that reads too much ends
   * early; what is not told is counted afterwards. @throws what `select` is to throw when it is too much
   */
  readonly hold?: (bytes: number) => void;
}

/**
 * One series as columns, in ascending order of time, without duplicates, staleness markers included with their exact
 * NaN bits. The arrays belong to the caller for reading; series scraped together may share one `timestamps` array
 * *by identity*, which lets the engine compute window boundaries once for all of them.
 */
export interface SeriesColumns {
  readonly labels: Labels;
  /** Unix milliseconds. */
  readonly timestamps: Float64Array;
  /** Float samples; unspecified where `histograms[i]` is present. */
  readonly values: Float64Array;
  /**
   * So many of the first values are known not to be NaN and not to be below the one before them. Counters of which that
   * is known are cheaper.
   */
  readonly ascendingCount?: number | undefined;
  /** Native histogram samples by index; absent where the series has floats only. */
  readonly histograms?: readonly (FloatHistogram | undefined)[];
  /** Start timestamps in Unix milliseconds by index, 0 where unknown; absent where no sample has one. */
  readonly startTimestamps?: Float64Array;
}

/** The port through which the engine reads. */
export interface SeriesSource {
  /**
   * Series that match all matchers and have a sample in the interval, in any order, each label set once.
   * @throws whatever the storage throws; the engine reports it as an execution error.
   */
  select(request: SelectRequest): Promise<readonly SeriesColumns[]>;
}
