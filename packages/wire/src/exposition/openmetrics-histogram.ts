import { malformed, type WireError } from '../errors.ts';
import type { OpenMetricsSample } from './openmetrics-family.ts';
import { lineError, type Scan } from './scan.ts';

/** The samples so far of one histogram at one time: those of a group with equal timestamps. */
export interface HistogramState {
  group: string | undefined;
  seconds: number;
  line: number;
  /** NaN before the first */
  lastBound: number;
  lastCount: number;
  /** NaN: not seen */
  count: number;
  hasSum: boolean;
  hasGaugeSum: boolean;
  hasNegativeGaugeSum: boolean;
  hasNegativeBounds: boolean;
}

export function createHistogramState(): HistogramState {
  return {
    group: undefined,
    seconds: Number.NaN,
    line: 0,
    lastBound: Number.NaN,
    lastCount: 0,
    count: Number.NaN,
    hasSum: false,
    hasGaugeSum: false,
    hasNegativeGaugeSum: false,
    hasNegativeBounds: false,
  };
}

/** Takes one sample of a histogram or gauge histogram. @throws WireError malformed */
export function checkBucketGroup(
  state: HistogramState,
  scan: Scan,
  group: string,
  sample: OpenMetricsSample,
  suffix: string,
  bound: number,
): void {
  if (state.group !== group || !Object.is(state.seconds, sample.timestampSeconds)) {
    finishHistogram(state);
    Object.assign(state, createHistogramState());
    state.group = group;
    state.seconds = sample.timestampSeconds;
  }
  state.line = scan.line;
  if (suffix === '_bucket') {
    if (bound <= state.lastBound) throw lineError(scan, 'buckets are not in the order of le');
    if (sample.value < state.lastCount) throw lineError(scan, 'bucket counts decrease');
    state.lastBound = bound;
    state.lastCount = sample.value;
    if (bound < 0) state.hasNegativeBounds = true;
  } else if (suffix === '_count' || suffix === '_gcount') state.count = sample.value;
  else if (suffix === '_sum') state.hasSum = true;
  else if (suffix === '_gsum') {
    state.hasGaugeSum = true;
    state.hasNegativeGaugeSum = sample.value < 0;
  }
}

/** Checks a histogram whose last sample has been seen. @throws WireError malformed */
export function finishHistogram(state: HistogramState): void {
  if (state.group === undefined) return;
  const hasCount = !Number.isNaN(state.count);
  const hasAnySum = state.hasSum || state.hasGaugeSum;
  if (state.lastBound !== Infinity) throw histogramError(state, 'histogram without the bucket le="+Inf"');
  if (hasCount && state.count !== state.lastCount) {
    throw histogramError(state, 'count of a histogram differs from its bucket le="+Inf"');
  }
  if (hasAnySum && !hasCount) throw histogramError(state, 'histogram with a sum and without a count');
  if (hasCount && !hasAnySum) throw histogramError(state, 'histogram with a count and without a sum');
  if (state.hasSum && state.hasNegativeBounds) throw histogramError(state, 'histogram with a sum and negative buckets');
  if (state.hasNegativeGaugeSum && !state.hasNegativeBounds) {
    throw histogramError(state, 'gauge histogram with a negative sum and without negative buckets');
  }
  state.group = undefined;
}

function histogramError(state: HistogramState, reason: string): WireError {
  return malformed(`line ${state.line}: ${reason}`);
}
