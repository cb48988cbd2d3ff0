import type { Call } from '../../ast.ts';
import { quote } from '../../go-strings.ts';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { stepSeriesBytes } from '../memory.ts';
import { sharedByTimestamps } from '../select.ts';
import { named } from '../series.ts';
import {
  columnAllocator,
  FLOAT,
  floatSeries,
  gridTimes,
  type RangeSeries,
  type RangeValue,
  type StepSeries,
} from '../value.ts';
import { extendedKernel } from './extended.ts';
import { extendedStartKernel } from './extended-starts.ts';
import { evaluateMixedSeries } from './histograms.ts';
import { type RangeCall, rangePosition, windowsFor } from './range-call.ts';
import { type StartKernel, startKernels, startOverlaps } from './start-times.ts';
import type { RangeFunction } from './table.ts';
import { holding, type WindowIndexes, type Windows, windowIndexes } from './windows.ts';

/** Samples in windows, counted anew in each, that a kernel goes through in a few milliseconds. */
const WINDOW_SAMPLES_PER_TURN = 2_000_000;

/** Takes the series of a vector one by one. */
export type Emit = (series: StepSeries) => void;

/**
 * Takes a counter itself in place of its rates or increases: those of all steps of the windows. False where it wants them
 * emitted.
 */
export type TakeCounter = (counter: RangeSeries, windows: Windows, isRate: boolean) => boolean;

/**
 * Calls a range function over all windows of all series.
 * @param reuse the values of an emitted series are valid only until the next
 */
export async function evaluateRangeFunction(
  ctx: QueryContext,
  node: Call,
  definition: RangeFunction,
  range: RangeValue,
  parameters: readonly Float64Array[],
  emit: Emit,
  reuse: boolean,
  takeCounter?: TakeCounter,
): Promise<void> {
  const { count } = range.grid;
  const evalTimesMs = gridTimes(range.grid);
  const { extension } = range;
  const kernel = extension === undefined ? definition.kernel : extendedKernel(node.func, extension);
  const call: RangeCall = { node, definition: { ...definition, kernel }, parameters, evalTimesMs, range };
  const plan = (timestamps: Float64Array, scratch?: WindowIndexes) => {
    const windows = windowsFor(ctx, call, timestamps, scratch);
    return { windows, any: windows.present.includes(FLOAT) };
  };
  const sharedPlan = sharedByTimestamps((timestamps) => plan(timestamps));
  const isShared = sharedTimestamps(range.series);
  const indexes = windowIndexes(count);
  const columns = columnAllocator(count);
  const bytes = reuse ? 0 : stepSeriesBytes(count);
  let scratch: Float64Array = new Float64Array(count);
  const take = definition.isRate === undefined || extension !== undefined ? undefined : takeCounter;
  let counterName: string | undefined;
  for (const element of range.series) {
    const { windows, any } = isShared(element.timestamps)
      ? sharedPlan(element.timestamps)
      : plan(element.timestamps, indexes);
    const { widest } = windows;
    ctx.hold(widest);
    let result: StepSeries | undefined;
    let isTaken = false;
    const usesStarts = ctx.useStartTimestamps && element.startTimestamps !== undefined;
    const startKernel = usesStarts ? startKernelOf(ctx, node, extension) : undefined;
    if (startKernel !== undefined && extension === undefined) noteOverlaps(ctx, node, element, windows);
    if (element.histograms !== undefined) result = await evaluateMixedSeries(ctx, call, element, windows);
    else if (startKernel !== undefined && widest > 0) {
      const present = new Uint8Array(count);
      const values = columns();
      await startsInTurns(ctx, startKernel, element, windows, values, present);
      const { labels, dropName } = named(ctx, element, true);
      if (present.includes(FLOAT)) result = floatSeries(labels, dropName, values, present);
    } else if (any && take?.(element, windows, definition.isRate === true)) {
      isTaken = true;
      ctx.hold(count);
    } else if (any) {
      if (!reuse) scratch = columns();
      if (count * widest <= WINDOW_SAMPLES_PER_TURN) {
        kernel(element.values, windows, scratch, parameters, evalTimesMs, element.ascending);
      } else await inTurns(ctx, call, element, windows, widest, scratch);
      const { labels, dropName } = named(ctx, element, definition.keepsName !== true);
      result = floatSeries(labels, dropName, scratch, windows.present);
    }
    ctx.release(widest);
    if (result !== undefined) {
      ctx.hold(count);
      ctx.memory.hold(bytes);
      emit(result);
    }
    if (definition.counter && (isTaken || result?.present.includes(FLOAT))) {
      // Series of one name follow each other.
      const name = labelValue(element.labels, METRIC_NAME);
      if (name !== counterName && !looksLikeCounter(name)) noteNoCounter(ctx, node, name);
      else counterName = name;
    }
    // Some kernels go through every sample of every window.
    if (ctx.due(element.timestamps.length + count * (1 + widest))) await ctx.pause();
  }
}

function startKernelOf(
  { lookbackMs }: QueryContext,
  { func }: Call,
  extension: RangeValue['extension'],
): StartKernel | undefined {
  return extension === undefined ? startKernels.get(func) : extendedStartKernel(func, extension, lookbackMs);
}

/** Calls the kernel for some steps after the others, so that the event loop has its turns between them. */
async function inTurns(
  ctx: QueryContext,
  { definition, parameters, evalTimesMs }: RangeCall,
  { values, ascending }: RangeSeries,
  windows: Windows,
  widest: number,
  out: Float64Array,
): Promise<void> {
  const steps = Math.max(1, Math.floor(WINDOW_SAMPLES_PER_TURN / widest));
  for (let from = 0; from < out.length; from += steps) {
    const to = Math.min(out.length, from + steps);
    const some = windowsOfSteps(windows, from, to, definition.minSamples ?? 1);
    const parametersOfSteps = parameters.map((parameter) => parameter.subarray(from, to));
    definition.kernel(
      values,
      some,
      out.subarray(from, to),
      parametersOfSteps,
      evalTimesMs.subarray(from, to),
      ascending,
    );
    if (ctx.due((to - from) * widest)) await ctx.pause();
  }
}

/** The same for a kernel that knows start timestamps. */
async function startsInTurns(
  ctx: QueryContext,
  kernel: StartKernel,
  { values, startTimestamps }: RangeSeries,
  windows: Windows,
  out: Float64Array,
  present: Uint8Array,
): Promise<void> {
  const steps = Math.max(1, Math.floor(WINDOW_SAMPLES_PER_TURN / windows.widest));
  for (let from = 0; from < out.length; from += steps) {
    const to = Math.min(out.length, from + steps);
    const some = windowsOfSteps(windows, from, to, 1);
    kernel(values, startTimestamps!, some, out.subarray(from, to), present.subarray(from, to));
    if (ctx.due((to - from) * windows.widest)) await ctx.pause();
  }
}

function windowsOfSteps(windows: Windows, from: number, to: number, minSamples: number): Windows {
  const first = windows.first.subarray(from, to);
  const last = windows.last.subarray(from, to);
  return {
    ...windows,
    ...holding(minSamples, first, last),
    first,
    last,
    endsMs: windows.endsMs.subarray(from, to),
    present: windows.present.subarray(from, to),
    single: true,
  };
}

/** Tells which time columns more than one series has. */
function sharedTimestamps(series: readonly RangeSeries[]): (timestamps: Float64Array) => boolean {
  const seen = new Set<Float64Array>();
  const shared = new Set<Float64Array>();
  let latest: Float64Array | undefined;
  let latestIsShared = false;
  for (const { timestamps } of series) {
    if (timestamps === latest && latestIsShared) continue;
    latestIsShared = seen.has(timestamps);
    if (latestIsShared) shared.add(timestamps);
    else seen.add(timestamps);
    latest = timestamps;
  }
  return (timestamps) => shared.has(timestamps);
}

function noteOverlaps(
  ctx: QueryContext,
  node: Call,
  { labels, timestamps, startTimestamps }: RangeSeries,
  windows: Windows,
): void {
  if (node.func === 'resets') return;
  for (let step = 0; step < windows.first.length; step++) {
    for (let i = windows.first[step]! + 1; i < windows.last[step]!; i++) {
      if (!startOverlaps(timestamps, startTimestamps!, i)) continue;
      const name = quote(labelValue(labels, METRIC_NAME));
      const message = `sample has start time that overlaps with previous sample timestamp for metric ${name}`;
      ctx.annotations.warn(message, ctx.position(rangePosition(node)));
      return;
    }
  }
}

function looksLikeCounter(name: string): boolean {
  return name === '' || /_(?:total|sum|count|bucket)$/.test(name);
}

function noteNoCounter(ctx: QueryContext, node: Call, name: string): void {
  const message = `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "${name}"`;
  ctx.annotations.info(message, ctx.position(rangePosition(node)));
}
