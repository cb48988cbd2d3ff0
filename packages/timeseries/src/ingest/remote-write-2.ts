import {
  createSnappyUncompressor,
  createWriteRequest2Decoder,
  isWireError,
  type WriteRequest2Columns,
} from '@opendata/wire';
import { InvalidSampleError, InvalidSeriesError } from '../head/errors.ts';
import type { Head } from '../head/head.ts';
import type { BatchWriter, ExemplarOfSeries } from './batch-writer.ts';
import type { HeadWriter } from './head-writer.ts';
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

/** The path of a remote-write 2.0 request: what is good in it is stored, all of that or nothing. */
export function createRemoteWrite2(head: Head, writer: HeadWriter, batches: BatchWriter, options: RemoteWriteOptions) {
  const uncompress = createSnappyUncompressor(options.maxBytes);
  const decode = createWriteRequest2Decoder({ maxLabelBytes: options.maxBytes });

  /**
   * Stores what is good in a request.
   * @param body as received: a snappy block
   * @throws WireError where the body cannot be read; OverloadedError, StorageError, and then nothing was stored
   */
  return function remoteWrite2(body: Uint8Array): RemoteWrite2Result {
    const { times } = writer;
    times.begin();
    const uncompressed = uncompress(body);
    const columns = decode(uncompressed);
    times.lap('decode');
    times.requests++;
    times.receivedBytes += body.length;
    times.decodedBytes += uncompressed.length;
    writer.admit();
    const faults = new Faults();
    const seriesIds = resolveSeries(head, columns, faults);
    times.lap('match');
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
  };
}

class Faults {
  readonly texts: string[] = [];

  /** The text is made only where it is told: a series may be large, and wrong in each of its samples. */
  add(text: () => string): void {
    if (this.texts.length < MAX_FAULTS) this.texts.push(text());
    else if (this.texts.length === MAX_FAULTS) this.texts.push('and more');
  }
}

/** The number of each series in the head, or REFUSED. */
function resolveSeries(head: Head, columns: WriteRequest2Columns, faults: Faults): Uint32Array {
  const { body, seriesCount, labelsStart, labelsEnd } = columns;
  const ids = new Uint32Array(seriesCount);
  const hasHistogram = new Uint8Array(seriesCount);
  for (let i = 0; i < columns.histogramCount; i++) hasHistogram[columns.histogramSeries[i]!] = 1;
  for (let i = 0; i < seriesCount; i++) {
    ids[i] = REFUSED;
    const fault = columns.seriesFaults.get(i);
    if (fault !== undefined) {
      faults.add(() => `${fault} for series ${seriesText(columns, i)}`);
      continue;
    }
    if (columns.sampleStart[i] === columns.sampleStart[i + 1] && hasHistogram[i] === 0) {
      faults.add(() => `TimeSeries must contain at least one sample or histogram for series ${seriesText(columns, i)}`);
      continue;
    }
    try {
      ids[i] = head.series.resolveOne(body.subarray(labelsStart[i]!, labelsEnd[i]!));
    } catch (error) {
      if (!(error instanceof InvalidSeriesError)) throw error;
      const { message } = error;
      faults.add(() => `invalid metric name or labels, got ${seriesText(columns, i)}: ${message}`);
    }
  }
  return ids;
}

function goodFloats(columns: WriteRequest2Columns, seriesIds: Uint32Array, writer: HeadWriter, faults: Faults) {
  const series = new Uint32Array(columns.sampleCount);
  const timestamps = new Float64Array(columns.sampleCount);
  const values = new Float64Array(columns.sampleCount);
  const starts = new Float64Array(columns.sampleCount);
  let hasStarts = false;
  let count = 0;
  for (let i = 0; i < columns.seriesCount; i++) {
    const id = seriesIds[i]!;
    if (id === REFUSED) continue;
    const end = columns.sampleStart[i + 1]!;
    for (let sample = columns.sampleStart[i]!; sample < end; sample++) {
      const timestampMs = columns.timestamps[sample]!;
      if (!isGoodTime(writer, timestampMs, () => seriesText(columns, i), faults)) continue;
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
