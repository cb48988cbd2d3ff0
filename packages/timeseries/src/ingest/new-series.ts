import { InvalidSeriesError } from '../head/errors.ts';
import { UNKNOWN_SERIES } from '../head/series-keys.ts';
import type { SeriesTable } from '../head/series-table.ts';
import { createYielder } from '../head/yielder.ts';
import type { IngestTimes } from './ingest-times.ts';
import { labelsText } from './name-refusal.ts';

/**
 * So many series are created at once, in some 10 ms; the series of a request that brings more come into memory in turns before.
 * A Prometheus sends 2,000 samples in a request unless it is told otherwise.
 */
export const MOST_NEW_AT_ONCE = 2048;
const SERIES_PER_LOOK = 128;
/** For both keys of a series that arrives in an order of labels of its own: headers and padding in memory. */
const KEY_OVERHEAD_BYTES = 64;

/** Label sets that the head does not know yet, in bytes of their own. */
export interface NewSeries {
  readonly bytes: Uint8Array;
  /** The i-th is `[starts[i], starts[i + 1])`. */
  readonly starts: Uint32Array;
  /** Their places in the request. */
  readonly places: Uint32Array;
  readonly count: number;
}

/** Which label ranges of a request are taken. */
export interface LabelRanges {
  readonly body: Uint8Array;
  readonly labelsStart: Uint32Array;
  readonly labelsEnd: Uint32Array;
  readonly seriesCount: number;
}

/**
 * Copies the label sets of those series, from `first` on, that are `UNKNOWN_SERIES`.
 * @returns `undefined` where they are few enough to be created at once
 */
export function manyNewSeries(columns: LabelRanges, series: Uint32Array, first: number): NewSeries | undefined {
  const { body, labelsStart, labelsEnd, seriesCount } = columns;
  let count = 0;
  let sizeBytes = 0;
  for (let i = first; i < seriesCount; i++) {
    if (series[i] !== UNKNOWN_SERIES) continue;
    count++;
    sizeBytes += labelsEnd[i]! - labelsStart[i]!;
  }
  if (count <= MOST_NEW_AT_ONCE) return undefined;
  const bytes = new Uint8Array(sizeBytes);
  const starts = new Uint32Array(count + 1);
  const places = new Uint32Array(count);
  for (let i = first, at = 0, next = 0; i < seriesCount; i++) {
    if (series[i] !== UNKNOWN_SERIES) continue;
    bytes.set(body.subarray(labelsStart[i]!, labelsEnd[i]!), at);
    at += labelsEnd[i]! - labelsStart[i]!;
    places[next++] = i;
    starts[next] = at;
  }
  return { bytes, starts, places, count };
}

/**
 * Brings series into memory, in turns of the event loop. They have no samples, so nobody sees them, and they are forgotten
 * like others where none come. Where one is refused, none is created.
 * @param created hears the numbers of some at a time, as soon as they are there
 * @throws InvalidSeriesError naming it; OverloadedError; what `created` throws
 */
export async function createInTurns(
  table: SeriesTable,
  added: NewSeries,
  times: IngestTimes,
  created: (series: Uint32Array) => void = () => undefined,
): Promise<void> {
  const yielder = createYielder();
  let reserved = added.count;
  table.reserve(reserved);
  try {
    for (let first = 0; first < added.count; first += SERIES_PER_LOOK) {
      times.begin();
      checkPiece(table, added, pieceOf(table, added, first));
      times.lap('match');
      await yielder();
    }
    for (let first = 0; first < added.count; first += SERIES_PER_LOOK) {
      times.begin();
      const { view, starts, ends, count } = pieceOf(table, added, first);
      table.unreserve(count);
      reserved -= count;
      const series = table.createReserved(view, starts, ends, count);
      times.lap('match');
      created(series);
      await yielder();
    }
  } finally {
    table.unreserve(reserved);
  }
}

interface Piece {
  readonly first: number;
  readonly count: number;
  readonly view: DataView;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** The next label sets where kernels read them, for this turn. */
function pieceOf({ keys }: SeriesTable, { bytes, starts, count }: NewSeries, first: number): Piece {
  const end = Math.min(count, first + SERIES_PER_LOOK);
  const from = starts[first]!;
  const piece = bytes.subarray(from, starts[end]!);
  // While series are created, the memory with the piece in it must not move.
  keys.arena?.reserve(2 * piece.length + (end - first) * KEY_OVERHEAD_BYTES);
  const view = keys.arena?.load(piece) ?? new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
  return {
    first,
    count: end - first,
    view,
    starts: starts.slice(first, end).map((start) => start - from),
    ends: starts.slice(first + 1, end + 1).map((start) => start - from),
  };
}

/** @throws InvalidSeriesError for the first that cannot be a series */
function checkPiece(table: SeriesTable, added: NewSeries, { first, count, view, starts, ends }: Piece): void {
  for (let i = 0; i < count; i++) {
    try {
      table.check(view, starts[i]!, ends[i]!);
    } catch (error) {
      if (!(error instanceof InvalidSeriesError)) throw error;
      const labels = added.bytes.subarray(added.starts[first + i]!, added.starts[first + i + 1]!);
      throw new InvalidSeriesError(`${error.message} for series ${labelsText(labels, added.places[first + i]!)}`);
    }
  }
}
