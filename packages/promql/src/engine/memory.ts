import type { FloatHistogram } from '../histogram.ts';
import type { SeriesColumns } from '../source.ts';
import { QueryError } from './errors.ts';
import type { Value } from './value.ts';

/** Beside its columns, what a series costs: objects, headers of arrays, its place in lists. */
const SERIES_BYTES = 160;
/** A value and what says that it is there. */
const STEP_BYTES = 9;
const HISTOGRAM_BYTES = 512;

/** The bytes that one query holds, as far as they grow with its data: estimates, within a few per cent for floats. */
export interface MemoryAccount {
  readonly heldBytes: number;
  /** @throws QueryError when the limit is passed */
  hold(bytes: number): void;
  /** What was held since `heldBytes` was `beforeBytes` is garbage now, but for a result. @throws as `hold` */
  settle(beforeBytes: number, resultBytes: number): void;
}

export function createMemoryAccount(maxBytes: number): MemoryAccount {
  let held = 0;
  const hold = (bytes: number) => {
    held += bytes;
    if (held > maxBytes) {
      throw new QueryError('execution', `query processing would use more than ${maxBytes} bytes of memory`);
    }
  };
  return {
    get heldBytes() {
      return held;
    },
    hold,
    settle(beforeBytes, resultBytes) {
      held = beforeBytes;
      hold(resultBytes);
    },
  };
}

/** Bytes of one series over so many steps. */
export function stepSeriesBytes(steps: number): number {
  return SERIES_BYTES + STEP_BYTES * steps;
}

/** Bytes of a value over so many steps; columns that it shares with its inputs count as its own. */
export function valueBytes(value: Value, steps: number): number {
  if (value.kind === 'string') return value.value.length;
  return value.kind === 'scalar' ? steps * 8 : value.series.length * stepSeriesBytes(steps);
}

/** Bytes of series as a source hands them over: a time column that the one before has too counts once. */
export function columnsBytes(columns: readonly SeriesColumns[]): number {
  let bytes = 0;
  let column: Float64Array | undefined;
  for (const { timestamps, values, histograms } of columns) {
    bytes += SERIES_BYTES + 8 * values.length;
    if (timestamps !== column) bytes += 8 * timestamps.length;
    column = timestamps;
    if (histograms !== undefined) bytes += histogramsBytes(histograms);
  }
  return bytes;
}

function histogramsBytes(histograms: readonly (FloatHistogram | undefined)[]): number {
  let bytes = histograms.length * 8;
  for (const histogram of histograms) if (histogram !== undefined) bytes += HISTOGRAM_BYTES;
  return bytes;
}
