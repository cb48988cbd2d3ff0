import type { MatrixSelector, VectorSelector } from '../ast.ts';
import type { FloatHistogram } from '../histogram.ts';
import { labelValue, METRIC_NAME } from '../labels.ts';
import type { SeriesColumns } from '../source.ts';
import { mixedBuckets, mixedFloatsAndHistograms } from './annotations.ts';
import type { QueryContext } from './context.ts';
import { offsetMs, positiveDurationMs } from './durations.ts';
import { lowerBound } from './lower-bound.ts';
import { stepSeriesBytes } from './memory.ts';
import { endTimes, type Fetched } from './plan.ts';
import { interpolateHistograms } from './range/extended-histograms.ts';
import { isStaleMarker, nextStaleMarker } from './staleness.ts';
import {
  ABSENT,
  allPresent,
  columnAllocator,
  FLOAT,
  type Grid,
  HISTOGRAM,
  HISTOGRAM_WORK,
  type RangeSeries,
  type RangeValue,
  type StepSeries,
  type VectorValue,
} from './value.ts';

/** Distinct time columns whose plan is remembered; beyond it a plan is made per series. */
const MAX_SHARED_PLANS = 1024;

/** Remembers a plan per time column, so that series scraped together share it. */
export function sharedByTimestamps<T>(make: (timestamps: Float64Array) => T): (timestamps: Float64Array) => T {
  const plans = new Map<Float64Array, T>();
  return (timestamps) => {
    let plan = plans.get(timestamps);
    if (plan === undefined) {
      plan = make(timestamps);
      if (plans.size < MAX_SHARED_PLANS) plans.set(timestamps, plan);
    }
    return plan;
  };
}

/** By step, the index of the sample that an instant selector sees, or -1. */
export function lookbackIndexes(timestamps: Float64Array, ends: Float64Array, lookbackMs: number): Int32Array {
  const indexes = new Int32Array(ends.length);
  let next = ends.length === 0 ? 0 : lowerBound(timestamps, ends[0]! - lookbackMs + 1);
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    while (next < timestamps.length && timestamps[next]! <= end) next++;
    indexes[i] = next > 0 && timestamps[next - 1]! > end - lookbackMs ? next - 1 : -1;
  }
  return indexes;
}

/** The same of one time. */
export function lookbackIndex(timestamps: Float64Array, end: number, lookbackMs: number): number {
  let at = timestamps.length - 1;
  if (at >= 0 && timestamps[at]! > end) {
    at = lowerBound(timestamps, end);
    if (timestamps[at] !== end) at--;
  }
  return at >= 0 && timestamps[at]! > end - lookbackMs ? at : -1;
}

interface InstantPlan {
  readonly indexes: Int32Array;
  readonly complete: boolean;
}

/** A time of a sample: its own, or the start timestamp, 0 where it has none. */
export type SampleTime = 'sample' | 'start';

function timeColumn({ timestamps, startTimestamps }: SeriesColumns, time: SampleTime): Float64Array {
  if (time === 'sample') return timestamps;
  return startTimestamps ?? new Float64Array(timestamps.length);
}

/** An instant selector over a grid. `times`: yields a time of the samples in seconds instead of their values. */
export async function evaluateVectorSelector(
  ctx: QueryContext,
  fetched: Fetched,
  node: VectorSelector,
  grid: Grid,
  times?: SampleTime,
): Promise<VectorValue> {
  const series: StepSeries[] = [];
  await selectSeries(ctx, fetched, node, grid, (element) => series.push(element), false, times);
  return { kind: 'vector', series };
}

/** The same, series by series. @param reuse an emitted series' values are valid only until the next */
export async function selectSeries(
  ctx: QueryContext,
  fetched: Fetched,
  node: VectorSelector,
  grid: Grid,
  emit: (series: StepSeries) => void,
  reuse: boolean,
  times?: SampleTime,
): Promise<void> {
  const columnsOfNode = fetched.get(node) ?? [];
  if (node.smoothed && times === undefined) return await smoothSeries(ctx, columnsOfNode, node, grid, emit);
  // Of its time, Prometheus looks for a sample where `@` points to, among those that the offset made it read.
  const skewMs = times !== undefined && node.at !== undefined ? offsetMs(ctx, node.offset) : 0;
  const ends = endTimes(ctx, node, grid);
  if (skewMs < 0) for (let i = 0; i < ends.length; i++) ends[i]! += skewMs;
  const lookbackMs = ctx.lookbackMs - Math.abs(skewMs);
  const planOf = sharedByTimestamps((timestamps): InstantPlan => {
    const indexes = lookbackIndexes(timestamps, ends, lookbackMs);
    return { indexes, complete: !indexes.includes(-1) };
  });
  const allocate = columnAllocator(grid.count);
  const bytes = reuse ? 0 : stepSeriesBytes(grid.count);
  const all = allPresent(grid.count);
  const scratch = new Float64Array(grid.count);
  // A plan is not worth its while for one step of series that may each have their own times.
  const isOne = grid.count === 1 && times === undefined;
  for (const columns of columnsOfNode) {
    const { labels, timestamps, values, histograms } = columns;
    let element: StepSeries | undefined;
    if (histograms !== undefined) element = alignHistograms(columns, histograms, planOf(timestamps).indexes, times);
    else if (isOne) {
      const at = lookbackIndex(timestamps, ends[0]!, lookbackMs);
      if (at >= 0 && !isStaleMarker(values, at)) {
        const out = reuse ? scratch : allocate();
        out[0] = values[at]!;
        element = { labels, dropName: false, values: out, present: all, histograms: undefined };
      }
    } else {
      const plan = planOf(timestamps);
      const out = reuse ? scratch : allocate();
      const state = gather(values, plan, out);
      if (state !== NONE) {
        const present = state === ALL ? all : presenceOf(values, plan.indexes);
        if (times !== undefined) sampleTimesInto(timeColumn(columns, times), plan.indexes, out);
        element = { labels, dropName: false, values: out, present, histograms: undefined };
      }
    }
    if (element !== undefined) {
      ctx.hold(grid.count);
      ctx.memory.hold(bytes);
      emit(element);
    }
    if (ctx.due(histograms === undefined ? grid.count : grid.count * HISTOGRAM_WORK)) await ctx.pause();
  }
}

const NONE = 0;
const SOME = 1;
const ALL = 2;

/** Writes the value at each index; tells whether there is one at no, some or all steps. */
function gather(column: Float64Array, { indexes, complete }: InstantPlan, values: Float64Array): number {
  let stale = 0;
  let found = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index < 0) continue;
    const value = column[index]!;
    values[i] = value;
    found++;
    if (value - value !== 0 && isStaleMarker(column, index)) stale++;
  }
  if (found === stale) return NONE;
  return complete && stale === 0 ? ALL : SOME;
}

function presenceOf(column: Float64Array, indexes: Int32Array): Uint8Array {
  const present = new Uint8Array(indexes.length);
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index < 0) continue;
    const value = column[index]!;
    if (value - value === 0 || !isStaleMarker(column, index)) present[i] = FLOAT;
  }
  return present;
}

function sampleTimesInto(timestamps: Float64Array, indexes: Int32Array, out: Float64Array): void {
  for (let i = 0; i < indexes.length; i++) if (indexes[i]! >= 0) out[i] = timestamps[indexes[i]!]! / 1000;
}

function alignHistograms(
  columns: SeriesColumns,
  source: NonNullable<SeriesColumns['histograms']>,
  indexes: Int32Array,
  times: SampleTime | undefined,
): StepSeries | undefined {
  const values = new Float64Array(indexes.length);
  const present = new Uint8Array(indexes.length);
  const histograms: StepSeries['histograms'] & unknown[] = new Array(indexes.length);
  let any = false;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index < 0) continue;
    const histogram = source[index];
    if (histogram === undefined) {
      if (isStaleMarker(columns.values, index)) continue;
      values[i] = columns.values[index]!;
      present[i] = FLOAT;
    } else {
      histograms[i] = histogram;
      present[i] = HISTOGRAM;
    }
    if (times !== undefined) {
      values[i] = timeColumn(columns, times)[index]! / 1000;
      present[i] = FLOAT;
    }
    any = true;
  }
  if (!any) return undefined;
  return {
    labels: columns.labels,
    dropName: false,
    values,
    present,
    histograms: times === undefined ? histograms : undefined,
  };
}

/** A range selector over a grid: the series as they are, without staleness markers. */
export async function evaluateMatrixSelector(
  ctx: QueryContext,
  fetched: Fetched,
  node: MatrixSelector,
  grid: Grid,
): Promise<RangeValue> {
  const series: RangeSeries[] = [];
  const beginning = sharedBeginnings();
  for (const columns of fetched.get(node.selector) ?? []) {
    series.push(withoutStaleMarkers(columns, beginning));
    if (ctx.due(columns.timestamps.length)) await ctx.pause();
  }
  const endsMs = endTimes(ctx, node.selector, grid);
  const { anchored, smoothed } = node.selector;
  const extension = anchored ? 'anchored' : smoothed ? 'smoothed' : undefined;
  return { series, rangeMs: positiveDurationMs(ctx, node.range), endsMs, grid, extension };
}

/** A selector whose value at a step lies on the line between the samples around it. */
async function smoothSeries(
  ctx: QueryContext,
  fetched: readonly SeriesColumns[],
  node: VectorSelector,
  grid: Grid,
  emit: (series: StepSeries) => void,
): Promise<void> {
  const ends = endTimes(ctx, node, grid);
  const position = ctx.position(node.position);
  const beginning = sharedBeginnings();
  for (const columns of fetched) {
    const element = withoutStaleMarkers(columns, beginning);
    const name = labelValue(element.labels, METRIC_NAME);
    const smoothed = smoothSeriesAt(element, ends, ctx.lookbackMs, {
      warn: (message) => ctx.annotations.warn(message(name), position),
      reconciled: (operation) =>
        ctx.annotations.info(`mismatched custom buckets were reconciled during ${operation}`, position),
    });
    if (smoothed !== undefined) {
      ctx.hold(grid.count);
      emit(smoothed);
    }
    if (ctx.due(grid.count * (columns.histograms === undefined ? 4 : HISTOGRAM_WORK))) await ctx.pause();
  }
}

interface SmoothingNotes {
  warn(message: (name: string) => string): void;
  reconciled(operation: 'addition' | 'subtraction'): void;
}

function smoothSeriesAt(
  { labels, dropName, timestamps, values, histograms }: RangeSeries,
  ends: Float64Array,
  lookbackMs: number,
  notes: SmoothingNotes,
): StepSeries | undefined {
  const indexes = lookbackIndexes(timestamps, ends, lookbackMs);
  const out = new Float64Array(ends.length);
  const present = new Uint8Array(ends.length);
  const outHistograms: (FloatHistogram | undefined)[] | undefined = histograms && new Array(ends.length);
  for (let step = 0; step < indexes.length; step++) {
    const at = indexes[step]!;
    const end = ends[step]!;
    if (histograms !== undefined && isMixed(timestamps, histograms, end - lookbackMs, end + lookbackMs)) {
      notes.warn(mixedFloatsAndHistograms);
      continue;
    }
    if (at < 0) continue;
    const next = timestamps[at + 1];
    const between = timestamps[at]! < end && next !== undefined && next <= end + lookbackMs;
    const share = between ? (end - timestamps[at]!) / (next - timestamps[at]!) : 0;
    const before = histograms?.[at];
    const after = between ? histograms?.[at + 1] : before;
    if (before === undefined && after === undefined) {
      const rise = between ? (values[at + 1]! - values[at]!) * (end - timestamps[at]!) : 0;
      out[step] = between ? values[at]! + rise / (next - timestamps[at]!) : values[at]!;
      present[step] = FLOAT;
    } else if (before !== undefined && after !== undefined) {
      const isCounter = before.counterResetHint !== 'gauge' || after.counterResetHint !== 'gauge';
      const histogram = between ? interpolateHistograms(before, after, share, isCounter, notes.reconciled) : before;
      if (histogram === undefined) notes.warn(mixedBuckets);
      else {
        outHistograms![step] = histogram;
        present[step] = HISTOGRAM;
      }
    }
  }
  if (!present.some((state) => state !== ABSENT)) return undefined;
  return { labels, dropName, values: out, present, histograms: outHistograms };
}

/** Whether there are floats and histograms after one time and up to another. */
function isMixed(
  timestamps: Float64Array,
  histograms: readonly (FloatHistogram | undefined)[],
  afterMs: number,
  untilMs: number,
): boolean {
  let floats = false;
  let others = false;
  for (let i = lowerBound(timestamps, afterMs + 1); i < timestamps.length && timestamps[i]! <= untilMs; i++) {
    if (histograms[i] === undefined) floats = true;
    else others = true;
  }
  return floats && others;
}

/** Index of the next staleness marker among the floats of a series; -1 where there is none. */
function nextMarker({ values, histograms }: SeriesColumns, from: number): number {
  let at = nextStaleMarker(values, from);
  while (at >= 0 && histograms?.[at] !== undefined) at = nextStaleMarker(values, at + 1);
  return at;
}

/** Gives out the beginning of a column: of the same column the same array, so that series go on sharing it. */
function sharedBeginnings(): (column: Float64Array, length: number) => Float64Array {
  const known = new Map<Float64Array, Float64Array>();
  return (column, length) => {
    let beginning = known.get(column);
    if (beginning === undefined || beginning.length !== length) {
      known.set(column, (beginning = column.subarray(0, length)));
    }
    return beginning;
  };
}

function withoutStaleMarkers(columns: SeriesColumns, beginning: ReturnType<typeof sharedBeginnings>): RangeSeries {
  const { labels, timestamps, values, histograms, startTimestamps } = columns;
  const { ascendingCount = 0 } = columns;
  const first = nextMarker(columns, ascendingCount);
  const ascending = ascendingCount >= values.length - (first < 0 ? 0 : 1);
  if (first < 0) return { labels, dropName: false, timestamps, values, ascending, histograms, startTimestamps };
  if (first === values.length - 1) {
    // A series that has ended.
    return {
      labels,
      dropName: false,
      timestamps: beginning(timestamps, first),
      values: values.subarray(0, first),
      ascending,
      histograms: histograms?.slice(0, first),
      startTimestamps: startTimestamps?.subarray(0, first),
    };
  }
  const kept = new Int32Array(values.length);
  let count = 0;
  for (let from = 0, marker = first; from < values.length; from = marker + 1, marker = nextMarker(columns, from)) {
    const end = marker < 0 ? values.length : marker;
    for (let i = from; i < end; i++) kept[count++] = i;
    if (marker < 0) break;
  }
  const indexes = kept.subarray(0, count);
  return {
    labels,
    dropName: false,
    timestamps: pick(timestamps, indexes),
    values: pick(values, indexes),
    ascending: false,
    histograms: histograms && Array.from(indexes, (i) => histograms[i]),
    startTimestamps: startTimestamps && pick(startTimestamps, indexes),
  };
}

function pick(column: Float64Array, indexes: Int32Array): Float64Array {
  const picked = new Float64Array(indexes.length);
  for (let i = 0; i < picked.length; i++) picked[i] = column[indexes[i]!]!;
  return picked;
}
