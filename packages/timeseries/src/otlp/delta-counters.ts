import { addHistograms, type FloatHistogram } from '@opendata/promql';
import type { OtlpHistogramPoint } from '@opendata/wire';
import { InvalidSampleError } from '../head/errors.ts';

type HistogramTotals = Pick<OtlpHistogramPoint, 'count' | 'sum' | 'bucketCounts' | 'bounds'>;

/** What has come together since a series was first seen. */
type Total = number | FloatHistogram | HistogramTotals;

interface Counter {
  readonly timeMs: number;
  readonly total: Total;
  /** Unix ms of the last point's arrival. */
  readonly seenMs: number;
  /** How much of the budget it takes: the series that it is written as. */
  readonly weight: number;
}

/** What a request made of a counter. */
interface Change {
  readonly before: Counter | undefined;
  after: Counter | undefined;
}

export interface DeltaCountersOptions {
  /** Series that are kept at most. */
  readonly maxSeries: number;
  /** A counter without a point for this long is forgotten. */
  readonly maxIdleMs: number;
}

interface DeltaPoint {
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

  /** The counters as one request sees and changes them. */
  request(nowMs: number): DeltaRequest {
    return new DeltaRequest(this, nowMs);
  }

  find(key: string): Counter | undefined {
    return this.#counters.get(key);
  }

  /** @throws InvalidSampleError where a counter of this weight would be one too many */
  checkRoom(weight: number): void {
    if (this.#series + weight <= this.#options.maxSeries) return;
    throw new InvalidSampleError(
      `delta temporality: more than ${this.#options.maxSeries} series (otlp.delta_to_cumulative.max_series)`,
    );
  }

  set(key: string, counter: Counter): void {
    this.forget(key);
    this.#series += counter.weight;
    this.#counters.set(key, counter);
  }

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
}

/** What one request adds, which can be taken back as long as nothing was added to it. */
export class DeltaRequest {
  readonly #counters: DeltaCounters;
  readonly #nowMs: number;
  readonly #changes = new Map<string, Change>();

  constructor(counters: DeltaCounters, nowMs: number) {
    this.#counters = counters;
    this.#nowMs = nowMs;
  }

  /** The value of a sum since its first point. @throws InvalidSampleError where the point cannot be added */
  number(key: string, point: DeltaPoint & { readonly value: number }): number {
    return this.#add(key, point, point.value, 1, (total) =>
      typeof total === 'number' ? total + point.value : point.value,
    ) as number;
  }

  /** As `number`; other bounds than before begin anew. */
  buckets(key: string, point: DeltaPoint & HistogramTotals): HistogramTotals {
    const weight = point.bucketCounts.length + 2;
    return this.#add(key, point, point, weight, (total) =>
      isBuckets(total) && sameBounds(total, point) ? addBuckets(total, point) : point,
    ) as HistogramTotals;
  }

  /** As `number`, at the coarser resolution where the two differ. */
  histogram(key: string, point: DeltaPoint, histogram: FloatHistogram): FloatHistogram {
    return this.#add(key, point, histogram, 1, (total) =>
      typeof total === 'object' && 'schema' in total
        ? (addHistograms(total, histogram)?.histogram ?? histogram)
        : histogram,
    ) as FloatHistogram;
  }

  /** The series has ended. */
  forget(key: string): void {
    const before = this.#counters.find(key);
    if (before === undefined) return;
    this.#counters.forget(key);
    this.#remember(key, before, undefined);
  }

  /**
   * The request was not stored: the same one again shall count the same. Counters that other requests have added to
   * meanwhile stay.
   */
  undo(): void {
    for (const [key, { before, after }] of this.#changes) {
      if (this.#counters.find(key) !== after) continue;
      this.#counters.forget(key);
      if (before !== undefined) this.#counters.set(key, { ...before, seenMs: this.#nowMs });
    }
    this.#changes.clear();
  }

  #add(key: string, { timeMs }: DeltaPoint, first: Total, weight: number, add: (total: Total) => Total): Total {
    const before = this.#counters.find(key);
    if (before !== undefined && timeMs < before.timeMs) {
      throw new InvalidSampleError(`delta temporality: a point at ${timeMs} ms after one at ${before.timeMs} ms`);
    }
    if (before === undefined) this.#counters.checkRoom(weight);
    // The same point again, as after an answer that was lost, adds nothing.
    const isAgain = timeMs === before?.timeMs;
    const after = {
      timeMs,
      total: before === undefined ? first : isAgain ? before.total : add(before.total),
      seenMs: this.#nowMs,
      weight: isAgain ? before!.weight : weight,
    };
    this.#counters.set(key, after);
    this.#remember(key, before, after);
    return after.total;
  }

  #remember(key: string, before: Counter | undefined, after: Counter | undefined): void {
    const known = this.#changes.get(key);
    if (known?.after === before && known !== undefined) known.after = after;
    else this.#changes.set(key, { before, after });
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
