import type { FloatHistogram } from '../histogram.ts';
import type { Labels } from '../labels.ts';

/** What a step of a series holds. */
export const ABSENT = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/**
 * One series over all steps of a grid. Arrays may be shared between series and are never written to once the series
 * is part of a value.
 */
export interface StepSeries {
  readonly labels: Labels;
  /** The metric name (with the other metadata labels) goes away at the end of the query, unless a label function sets it. */
  readonly dropName: boolean;
  /** By step; meaningful where `present` is FLOAT. */
  readonly values: Float64Array;
  /** By step: ABSENT, FLOAT or HISTOGRAM. */
  readonly present: Uint8Array;
  /** By step; absent where the series has floats only. */
  readonly histograms: readonly (FloatHistogram | undefined)[] | undefined;
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface StringValue {
  readonly kind: 'string';
  readonly value: string;
}

export interface VectorValue {
  readonly kind: 'vector';
  readonly series: readonly StepSeries[];
}

export type Value = ScalarValue | StringValue | VectorValue;

/** The evaluation times of a node: `startMs + i * stepMs` for i < count. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
  /** Its end lies after its start, be there one step or more: what Prometheus evaluates as a range. */
  readonly isRange: boolean;
}

export function gridEndMs(grid: Grid): number {
  return grid.startMs + (grid.count - 1) * grid.stepMs;
}

const MAX_GRIDS = 16;
const recentGrids: { readonly startMs: number; readonly stepMs: number; readonly times: Float64Array }[] = [];

/** The times of a grid: the same array for grids that were asked for lately, as the panels of a dashboard do. */
export function gridTimes({ startMs, stepMs, count }: Pick<Grid, 'startMs' | 'stepMs' | 'count'>): Float64Array {
  for (const grid of recentGrids) {
    if (grid.startMs === startMs && grid.stepMs === stepMs && grid.times.length === count) return grid.times;
  }
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) times[i] = startMs + i * stepMs;
  recentGrids.unshift({ startMs, stepMs, times });
  if (recentGrids.length > MAX_GRIDS) recentGrids.pop();
  return times;
}

/** A series of samples under a range selector or a subquery; staleness markers are gone. */
export interface RangeSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** True where no value is NaN or below the one before it; otherwise that is not known. */
  readonly ascending: boolean;
  readonly histograms: readonly (FloatHistogram | undefined)[] | undefined;
  readonly startTimestamps: Float64Array | undefined;
}

/** The windows of a range selector or subquery: at step i, samples in (end(i) - rangeMs, end(i)]. */
export interface RangeValue {
  readonly series: readonly RangeSeries[];
  readonly rangeMs: number;
  /** By step, the right end of the window in milliseconds: evaluation time with `@` and offset applied. */
  readonly endsMs: Float64Array;
  /** The evaluation times. */
  readonly grid: Grid;
  /** The selector's modifier, if any. */
  readonly extension: 'anchored' | 'smoothed' | undefined;
}

/** What looking at a step of each of many series costs, in samples looked at one after the other. */
export const GATHER_WORK = 8;

/** What handling a histogram costs, in samples. */
export const HISTOGRAM_WORK = 200;

/** What going through the steps of a series once costs, in samples. */
export function stepsWork({ present, histograms }: Pick<StepSeries, 'present' | 'histograms'>): number {
  return histograms === undefined ? present.length : present.length * HISTOGRAM_WORK;
}

export function countPresent(present: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < present.length; i++) if (present[i] !== ABSENT) count++;
  return count;
}

/** The first step that holds something, the number of steps if there is none. */
export function firstPresentStep(present: Uint8Array): number {
  let step = 0;
  while (step < present.length && present[step] === ABSENT) step++;
  return step;
}

/** The last step that holds something, -1 if there is none. */
export function lastPresentStep(present: Uint8Array): number {
  let step = present.length - 1;
  while (step >= 0 && present[step] === ABSENT) step--;
  return step;
}

/** A series of floats only. */
export function floatSeries(
  labels: StepSeries['labels'],
  dropName: boolean,
  values: Float64Array,
  present: Uint8Array,
): StepSeries {
  return { labels, dropName, values, present, histograms: undefined };
}

const allPresentCache = new Map<number, Uint8Array>();

/** A shared, all-FLOAT presence column. */
export function allPresent(count: number): Uint8Array {
  let column = allPresentCache.get(count);
  if (column === undefined) {
    if (allPresentCache.size > 64) allPresentCache.clear();
    column = new Uint8Array(count).fill(FLOAT);
    allPresentCache.set(count, column);
  }
  return column;
}

/** Columns allocated together: many small arrays with a buffer each are slow to make and to collect. */
const SLAB_COLUMNS = 64;

/** Hands out new columns of a length. */
export function columnAllocator(length: number): () => Float64Array {
  return allocatorOf(length, (size) => new Float64Array(size));
}

/** The same of columns that tell what is present; nothing is. */
export function presenceAllocator(length: number): () => Uint8Array {
  return allocatorOf(length, (size) => new Uint8Array(size));
}

function allocatorOf<Column extends Float64Array | Uint8Array>(
  length: number,
  allocate: (size: number) => Column,
): () => Column {
  let slab: Column | undefined;
  let used = 0;
  let size = 1;
  return () => {
    if (slab === undefined || used === size) {
      size = Math.min(SLAB_COLUMNS, size * 4);
      slab = allocate(length * size);
      used = 0;
    }
    const start = used++ * length;
    return slab.subarray(start, start + length) as Column;
  };
}
