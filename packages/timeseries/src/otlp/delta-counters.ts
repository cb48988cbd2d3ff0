import { addHistograms, type FloatHistogram } from '@opendata/promql';
import type { OtlpHistogramPoint } from '@opendata/wire';
import { InvalidSampleError } from '../head/errors.ts';

type HistogramTotals = Pick<OtlpHistogramPoint, 'count' | 'sum' | 'bucketCounts' | 'bounds'>;

/** What has come together since a series was first seen. */
type Total = number | FloatHistogram | HistogramTotals;

interface Counter {
  startTimeMs: number;
  timeMs: number;
  total: Total;
  /** Unix ms of the last point's arrival. */
  seenMs: number;
  /** How much of the budget it takes: the series that it is written as. */
  weight: number;
}

export interface DeltaCountersOptions {
  /** Series that are kept at most. */
  readonly maxSeries: number;
  /** A counter without a point for this long is forgotten. */
  readonly maxIdleMs: number;
}

interface DeltaPoint {
  readonly startTimeMs: number;
  readonly timeMs: number;
}

/**
 * Adds up points with delta temporality. The totals are in memory only: after a restart they begin at 0, which reads
 * as the counter reset that it is.
 */
export class DeltaCounters {
  readonly #options: DeltaCountersOptions;
  /** In order of the last point. */
  readonly #counters = new Map<string, Counter>();
  #series = 0;

  constructor(options: DeltaCountersOptions) {
    this.#options = options;
  }

  get series(): number {
    return this.#series;
  }

  /** The value of a sum since its first point. @throws InvalidSampleError where the point cannot be added */
  number(key: string, point: DeltaPoint & { readonly value: number }, nowMs: number): number {
    return this.#add(key, point, point.value, 1, nowMs, (total) =>
      typeof total === 'number' ? total + point.value : point.value,
    ) as number;
  }

  /** As `number`; other bounds than before begin anew. */
  buckets(key: string, point: DeltaPoint & HistogramTotals, nowMs: number): HistogramTotals {
    const weight = point.bucketCounts.length + 2;
    return this.#add(key, point, point, weight, nowMs, (total) =>
      isBuckets(total) && sameBounds(total, point) ? addBuckets(total, point) : point,
    ) as HistogramTotals;
  }

  /** As `number`, at the coarser resolution where the two differ. */
  histogram(key: string, point: DeltaPoint, histogram: FloatHistogram, nowMs: number): FloatHistogram {
    return this.#add(key, point, histogram, 1, nowMs, (total) =>
      typeof total === 'object' && 'schema' in total
        ? (addHistograms(total, histogram)?.histogram ?? histogram)
        : histogram,
    ) as FloatHistogram;
  }

  /** The series has ended. */
  forget(key: string): void {
    const counter = this.#counters.get(key);
    if (counter === undefined) return;
    this.#series -= counter.weight;
    this.#counters.delete(key);
  }

  /** Forgets what was idle for too long. */
  forgetIdle(nowMs: number): void {
    for (const [key, { seenMs }] of this.#counters) {
      if (nowMs - seenMs < this.#options.maxIdleMs) return;
      this.forget(key);
    }
  }

  #add(
    key: string,
    { startTimeMs, timeMs }: DeltaPoint,
    first: Total,
    weight: number,
    nowMs: number,
    add: (total: Total) => Total,
  ): Total {
    const known = this.#counters.get(key);
    if (known === undefined) {
      if (this.#series + weight > this.#options.maxSeries) {
        throw new InvalidSampleError(
          `delta temporality: more than ${this.#options.maxSeries} series (otlp.delta_to_cumulative.max_series)`,
        );
      }
      this.#series += weight;
      this.#counters.set(key, { startTimeMs, timeMs, total: first, seenMs: nowMs, weight });
      return first;
    }
    // The same point again, as after an answer that was lost, adds nothing.
    if (timeMs !== known.timeMs) {
      if (timeMs < known.timeMs) {
        throw new InvalidSampleError(`delta temporality: a point at ${timeMs} ms after one at ${known.timeMs} ms`);
      }
      known.total = add(known.total);
      known.timeMs = timeMs;
      this.#series += weight - known.weight;
      known.weight = weight;
    }
    known.seenMs = nowMs;
    this.#counters.delete(key);
    this.#counters.set(key, known);
    return known.total;
  }
}

function isBuckets(total: Total): total is HistogramTotals {
  return typeof total === 'object' && 'bucketCounts' in total;
}

function sameBounds(a: HistogramTotals, b: HistogramTotals): boolean {
  if (a.bounds.length !== b.bounds.length || a.bucketCounts.length !== b.bucketCounts.length) return false;
  return a.bounds.every((bound, i) => bound === b.bounds[i]);
}

function addBuckets(a: HistogramTotals, b: HistogramTotals): HistogramTotals {
  return {
    count: a.count + b.count,
    sum: a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum,
    bucketCounts: a.bucketCounts.map((count, i) => count + b.bucketCounts[i]!),
    bounds: b.bounds,
  };
}
