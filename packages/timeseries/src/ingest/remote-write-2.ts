import {
  createSnappyUncompressor,
  createWriteRequest2Reader,
  isWireError,
  type WriteRequest2Columns,
  type WriteRequest2Reading,
} from '@opendata/wire';
import { InvalidSampleError, InvalidSeriesError } from '../head/errors.ts';
import type { Head } from '../head/head.ts';
import type { SeriesTable } from '../head/series-table.ts';
import { createYielder } from '../head/yielder.ts';
import type { BatchWriter, ExemplarOfSeries } from './batch-writer.ts';
import type { HeadWriter } from './head-writer.ts';
import type { IngestStage, IngestTimes } from './ingest-times.ts';
import { seriesText } from './name-refusal.ts';
import type { RemoteWriteOptions } from './remote-write.ts';
import {
  type RequestHistogram,
  requestExemplar,
  requestHistogram,
  startMsOf,
  withStaleMarkers,
} from './request-extras.ts';

/** What was stored of a request, and why the rest was not. */
export interface RemoteWrite2Result {
  /** The journal's commit group to wait for. */
  readonly group: number;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** Floats and histograms that were refused. */
  readonly refused: number;
  /** A text for each part that was refused; empty where all was stored. */
  readonly faults: readonly string[];
}

/** Most texts of an answer: a request may be wrong in every series. */
const MAX_FAULTS = 100;
const REFUSED = 0xffffffff;
/** Requests with more series are read and stored in turns of the event loop: a Prometheus sends 2,000 samples at most. */
const MOST_AT_ONCE = 2048;
const SERIES_PER_LOOK = 256;
/** For both keys of a series that arrives in an order of labels of its own: headers and padding in memory. */
const KEY_OVERHEAD_BYTES = 64;
/** What a reader has in memory beside its request: arrays of columns, and the kernel's page. */
const READER_BYTES = 256 * 1024;
/** Readers with their memory that are kept for other requests. */
const MOST_KEPT_READERS = 2;

/** What reads a request into memory of its own. */
interface RequestReader {
  readonly uncompress: (body: Uint8Array) => Uint8Array;
  readonly begin: (body: Uint8Array) => WriteRequest2Reading;
}

export interface RemoteWrite2 {
  /**
   * Stores what is good in a request, after turns of the event loop where it is large.
   * @param body as received: a snappy block; needed until this returns
   * @param keep hears how many bytes stay in memory over turns, before the first; what it throws is thrown
   * @throws WireError where the body cannot be read; OverloadedError, StorageError, and then nothing was stored; or rejects
   * with it
   */
  inTurns(body: Uint8Array, keep: (bytes: number) => void): RemoteWrite2Result | Promise<RemoteWrite2Result>;
  /** `inTurns` without turns. */
  atOnce(body: Uint8Array): RemoteWrite2Result;
}

/** The path of a remote-write 2.0 request: what is good in it is stored, all of that or nothing. */
export function createRemoteWrite2(
  head: Head,
  writer: HeadWriter,
  batches: BatchWriter,
  options: RemoteWriteOptions,
): RemoteWrite2 {
  const { times } = writer;
  const readers: RequestReader[] = [];
  /** The last large request; resolves when it is stored or refused. */
  let lastLarge: Promise<unknown> | undefined;

  function newReader(): RequestReader {
    return {
      uncompress: createSnappyUncompressor(options.maxBytes),
      begin: createWriteRequest2Reader({ maxLabelBytes: options.maxBytes }),
    };
  }

  /** Stores a request; yields the bytes it keeps where others may have their turn. */
  function* steps(body: Uint8Array): Generator<number, RemoteWrite2Result, void> {
    const reader = readers.pop() ?? newReader();
    const ids: SeriesIds = { ids: new Uint32Array(0), count: 0 };
    const release = head.forgetting.addHolder((mark) => {
      for (let i = 0; i < ids.count; i++) if (ids.ids[i] !== REFUSED) mark(ids.ids[i]!);
    });
    try {
      times.begin();
      const uncompressed = reader.uncompress(body);
      times.requests++;
      times.receivedBytes += body.length;
      times.decodedBytes += uncompressed.length;
      const keptBytes = uncompressed.length + READER_BYTES;
      const reading = reader.begin(uncompressed);
      while (!reading.readSeries(MOST_AT_ONCE)) yield* turn(times, 'decode', keptBytes);
      const columns = reading.finish();
      times.lap('decode');
      writer.admit();
      const faults = new Faults();
      ids.ids = new Uint32Array(columns.seriesCount);
      const hasHistogram = seriesWithHistograms(columns);
      while (ids.count < columns.seriesCount) {
        if (ids.count > 0 && ids.count % MOST_AT_ONCE === 0) yield* turn(times, 'match', keptBytes);
        resolveSeries(head, columns, hasHistogram, ids, faults);
      }
      times.lap('match');
      if (columns.seriesCount > MOST_AT_ONCE) {
        const good = ids.ids.filter((id) => id !== REFUSED);
        const startMs = writer.windowOf(columns.timestamps, columns.sampleCount);
        for (const _ of writer.define(good, good.length, startMs)) yield keptBytes;
      }
      return store(columns, ids.ids, faults);
    } finally {
      release();
      if (readers.length < MOST_KEPT_READERS) readers.push(reader);
    }
  }

  function store(columns: WriteRequest2Columns, seriesIds: Uint32Array, faults: Faults): RemoteWrite2Result {
    const floats = goodFloats(columns, seriesIds, writer, faults);
    const histograms = goodHistograms(columns, seriesIds, writer, faults);
    const exemplars = goodExemplars(columns, seriesIds);
    for (const { series, reason } of columns.exemplarFaults) {
      if (seriesIds[series] !== REFUSED) faults.add(() => `${reason} for series ${seriesText(columns, series)}`);
    }
    const result = batches.append({
      floats: withStaleMarkers(floats, histograms),
      histograms: histograms.filter(({ isStale }) => !isStale),
      exemplars,
    });
    if (columns.metadata.length > 0) options.onMetadata(columns.metadata);
    const stored = floats.count + histograms.length;
    return {
      group: result.group,
      samples: floats.count,
      histograms: histograms.length,
      exemplars: result.exemplars,
      refused: columns.sampleCount + columns.histogramCount - stored,
      faults: faults.texts,
    };
  }

  /** Large requests go on one after the other, so that samples of one series stay in order. */
  async function goOn(
    work: Generator<number, RemoteWrite2Result, void>,
    before: Promise<unknown> | undefined,
  ): Promise<RemoteWrite2Result> {
    await before;
    const yielder = createYielder();
    for (;;) {
      await yielder();
      const step = work.next();
      if (step.done === true) return step.value;
    }
  }

  return {
    atOnce(body) {
      const work = steps(body);
      for (;;) {
        const step = work.next();
        if (step.done === true) return step.value;
      }
    },
    inTurns(body, keep) {
      const work = steps(body);
      const first = work.next();
      if (first.done === true) return first.value;
      try {
        keep(first.value);
      } catch (error) {
        work.return(undefined as never);
        throw error;
      }
      const stored = goOn(work, lastLarge);
      const settled = stored
        .catch(() => undefined)
        .then(() => {
          if (lastLarge === settled) lastLarge = undefined;
        });
      lastLarge = settled;
      return stored;
    },
  };
}

/** Others may have their turn in this stage of a write. */
function* turn(times: IngestTimes, stage: IngestStage, keptBytes: number): Generator<number, void, void> {
  times.lap(stage);
  yield keptBytes;
  times.begin();
}

class Faults {
  readonly texts: string[] = [];

  /** The text is made only where it is told: a series may be large, and wrong in each of its samples. */
  add(text: () => string): void {
    if (this.texts.length < MAX_FAULTS) this.texts.push(text());
    else if (this.texts.length === MAX_FAULTS) this.texts.push('and more');
  }
}

/** The numbers of a request's series in the head, or REFUSED: those before `count` are known. */
interface SeriesIds {
  ids: Uint32Array;
  count: number;
}

function seriesWithHistograms({ seriesCount, histogramCount, histogramSeries }: WriteRequest2Columns): Uint8Array {
  const has = new Uint8Array(seriesCount);
  for (let i = 0; i < histogramCount; i++) has[histogramSeries[i]!] = 1;
  return has;
}

/** Finds or creates the next few series. */
function resolveSeries(
  head: Head,
  columns: WriteRequest2Columns,
  hasHistogram: Uint8Array,
  known: SeriesIds,
  faults: Faults,
): void {
  const { labelsStart, labelsEnd } = columns;
  const { ids, count: first } = known;
  const end = Math.min(columns.seriesCount, first + SERIES_PER_LOOK);
  const good: number[] = [];
  for (let i = first; i < end; i++) {
    ids[i] = REFUSED;
    const fault = columns.seriesFaults.get(i);
    if (fault !== undefined) {
      faults.add(() => `${fault} for series ${seriesText(columns, i)}`);
    } else if (columns.sampleStart[i] === columns.sampleStart[i + 1] && hasHistogram[i] === 0) {
      faults.add(() => `TimeSeries must contain at least one sample or histogram for series ${seriesText(columns, i)}`);
    } else good.push(i);
  }
  if (good.length > 0) {
    const from = labelsStart[good[0]!]!;
    const piece = columns.body.subarray(from, labelsEnd[good.at(-1)!]!);
    const starts = Uint32Array.from(good, (i) => labelsStart[i]! - from);
    const ends = Uint32Array.from(good, (i) => labelsEnd[i]! - from);
    const found = resolvePiece(head.series, piece, starts, ends);
    for (const [k, i] of good.entries()) ids[i] = found?.[k] ?? resolveOne(head, columns, i, faults);
  }
  known.count = end;
}

/** The series of some label sets; `undefined` where one of them is refused, and none was created. @throws OverloadedError */
function resolvePiece(
  series: SeriesTable,
  piece: Uint8Array,
  starts: Uint32Array,
  ends: Uint32Array,
): Uint32Array | undefined {
  const { arena } = series.keys;
  // While series are created, the memory with the piece in it must not move.
  arena?.reserve(2 * piece.length + starts.length * KEY_OVERHEAD_BYTES);
  const view = arena?.load(piece) ?? new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
  const found = new Uint32Array(starts.length);
  const unknown = series.keys.resolve(view, starts, ends, starts.length, found);
  try {
    if (unknown >= 0) series.createUnknown(view, starts, ends, unknown, starts.length, found);
  } catch (error) {
    if (error instanceof InvalidSeriesError) return undefined;
    throw error;
  }
  for (const id of found) series.idleness.setBusy(id);
  return found;
}

function resolveOne(head: Head, columns: WriteRequest2Columns, i: number, faults: Faults): number {
  try {
    return head.series.resolveOne(columns.body.subarray(columns.labelsStart[i]!, columns.labelsEnd[i]!));
  } catch (error) {
    if (!(error instanceof InvalidSeriesError)) throw error;
    const { message } = error;
    faults.add(() => `invalid metric name or labels, got ${seriesText(columns, i)}: ${message}`);
    return REFUSED;
  }
}

function goodFloats(columns: WriteRequest2Columns, seriesIds: Uint32Array, writer: HeadWriter, faults: Faults) {
  const series = new Uint32Array(columns.sampleCount);
  const timestamps = new Float64Array(columns.sampleCount);
  const values = new Float64Array(columns.sampleCount);
  const starts = new Float64Array(columns.sampleCount);
  const areTimesGood = writer.takesTimes(columns.timestamps, columns.sampleCount);
  let hasStarts = false;
  let count = 0;
  for (let i = 0; i < columns.seriesCount; i++) {
    const id = seriesIds[i]!;
    if (id === REFUSED) continue;
    const end = columns.sampleStart[i + 1]!;
    for (let sample = columns.sampleStart[i]!; sample < end; sample++) {
      const timestampMs = columns.timestamps[sample]!;
      if (!areTimesGood && !isGoodTime(writer, timestampMs, () => seriesText(columns, i), faults)) continue;
      series[count] = id;
      timestamps[count] = timestampMs;
      const startMs = startMsOf(columns.startTimestamps[sample]);
      if (startMs !== 0) hasStarts = true;
      starts[count] = startMs;
      values[count++] = columns.values[sample]!;
    }
  }
  return { series, timestamps, values, count, starts: hasStarts ? starts : undefined };
}

function goodHistograms(
  columns: WriteRequest2Columns,
  seriesIds: Uint32Array,
  writer: HeadWriter,
  faults: Faults,
): RequestHistogram[] {
  const good: RequestHistogram[] = [];
  for (let i = 0; i < columns.histogramCount; i++) {
    const series = columns.histogramSeries[i]!;
    if (seriesIds[series] === REFUSED) continue;
    try {
      const histogram = requestHistogram(columns, i, seriesIds);
      if (isGoodTime(writer, histogram.timestampMs, () => seriesText(columns, series), faults)) good.push(histogram);
    } catch (error) {
      if (!(error instanceof InvalidSampleError) && !isWireError(error)) throw error;
      const { message } = error;
      faults.add(() => `${message} for series ${seriesText(columns, series)}`);
    }
  }
  return good;
}

function goodExemplars(columns: WriteRequest2Columns, seriesIds: Uint32Array): ExemplarOfSeries[] {
  const good: ExemplarOfSeries[] = [];
  for (let i = 0; i < columns.exemplarCount; i++) {
    if (seriesIds[columns.exemplarSeries[i]!] !== REFUSED) good.push(requestExemplar(columns, i, seriesIds));
  }
  return good;
}

function isGoodTime(writer: HeadWriter, timestampMs: number, series: () => string, faults: Faults): boolean {
  const fault = writer.timeFault(timestampMs, timestampMs);
  if (fault !== undefined) faults.add(() => `${fault} for series ${series()}`);
  return fault === undefined;
}
