import { createSnappyUncompressor, createWriteRequestDecoder, type WriteRequestColumns } from '@opendata/wire';
import { growUint32 } from '../head/growable.ts';
import type { Head } from '../head/head.ts';
import { createKnownSeries } from '../head/known-series.ts';
import type { BatchWriter, WriteBatch } from './batch-writer.ts';
import type { HeadWriter, SampleColumns } from './head-writer.ts';
import { nameRefusal } from './name-refusal.ts';
import { requestExemplar, requestHistogram, withStaleMarkers } from './request-extras.ts';

/** Header and padding of a key in the kernel's memory; a series has two keys at most that a request can add. */
const KEY_OVERHEAD_BYTES = 16;

export interface RemoteWriteResult {
  /** The journal's commit group to wait for. */
  readonly group: number;
  /** Floats and histograms. */
  readonly samples: number;
}

export interface RemoteWriteOptions {
  /** Most bytes of a request after decompression. */
  readonly maxBytes: number;
  /** Hears the metadata of a request. */
  readonly onMetadata: (metadata: WriteRequestColumns['metadata']) => void;
  /** Hears how many samples a refused request had, where its body could be read. */
  readonly onRefused: (samples: number) => void;
}

/** The path of a remote-write 1.0 request from its bytes to the head: a few passes over columns. */
export function createRemoteWrite(head: Head, writer: HeadWriter, batches: BatchWriter, options: RemoteWriteOptions) {
  const known = createKnownSeries(head.series);
  const uncompress = createSnappyUncompressor(options.maxBytes, head.series.keys.arena?.bodies);
  const decode = createWriteRequestDecoder({ shortcut: known });
  const { times } = writer;
  let seriesIds = new Uint32Array(4096);
  let sampleSeries = new Uint32Array(4096);

  function read(body: Uint8Array): WriteRequestColumns {
    const columns = decode(uncompress(body));
    if (known === undefined || known.firstUnknown < 0) return columns;
    // Room for all keys beforehand: the memory with the body in it must not move while series are created.
    const keyBytes = 2 * columns.body.length + columns.seriesCount * 4 * KEY_OVERHEAD_BYTES;
    return head.series.keys.arena!.reserve(keyBytes) ? decode(uncompress(body)) : columns;
  }

  function resolveSeries({ body, labelsStart, labelsEnd, seriesCount }: WriteRequestColumns): void {
    if (known?.isActive) {
      seriesIds = known.series;
      if (known.firstUnknown < 0) return;
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      head.series.createUnknown(view, labelsStart, labelsEnd, known.firstUnknown, seriesCount, seriesIds);
      return;
    }
    seriesIds = growUint32(seriesIds, seriesCount);
    head.series.resolve(body, labelsStart, labelsEnd, seriesCount, seriesIds);
  }

  function store(columns: WriteRequestColumns): number {
    const { seriesCount, sampleCount, timestamps, values } = columns;
    writer.admit();
    resolveSeries(columns);
    times.lap('match');
    let series = seriesIds;
    if (sampleCount !== seriesCount || !hasOneSampleEach(columns)) {
      sampleSeries = growUint32(sampleSeries, sampleCount);
      expand(columns, seriesIds, sampleSeries);
      series = sampleSeries;
    }
    const floats = { series, timestamps, values, count: sampleCount };
    if (columns.histogramCount === 0 && columns.exemplarCount === 0) return writer.append(floats);
    return batches.append(withExtras(columns, floats, seriesIds)).group;
  }

  /**
   * Stores a request: all of it or nothing.
   * @param body as received: a snappy block
   * @throws WireError, InvalidSeriesError, InvalidSampleError, OverloadedError, StorageError
   */
  return function remoteWrite(body: Uint8Array): RemoteWriteResult {
    times.begin();
    const columns = read(body);
    times.lap('decode');
    times.requests++;
    times.receivedBytes += body.length;
    times.decodedBytes += columns.body.length;
    try {
      const group = store(columns);
      if (columns.metadata.length > 0) options.onMetadata(columns.metadata);
      return { group, samples: columns.sampleCount + columns.histogramCount };
    } catch (error) {
      options.onRefused(columns.sampleCount + columns.histogramCount);
      throw nameRefusal(error, head, writer, () => {
        // What looks series up may move the memory that the body is in.
        const again = decode(uncompress(body));
        return { ...again, body: again.body.slice() };
      });
    }
  };
}

/** Adds the histograms and exemplars of a request; a histogram that says that its series has ended is a float. */
function withExtras(columns: WriteRequestColumns, floats: SampleColumns, seriesIds: Uint32Array): WriteBatch {
  const all = Array.from({ length: columns.histogramCount }, (_, i) => requestHistogram(columns, i, seriesIds));
  const exemplars = Array.from({ length: columns.exemplarCount }, (_, i) => requestExemplar(columns, i, seriesIds));
  return { floats: withStaleMarkers(floats, all), histograms: all.filter(({ isStale }) => !isStale), exemplars };
}

function hasOneSampleEach({ sampleStart, seriesCount }: WriteRequestColumns): boolean {
  for (let i = 0; i <= seriesCount; i++) if (sampleStart[i] !== i) return false;
  return true;
}

/** The series of every sample. */
function expand({ sampleStart, seriesCount }: WriteRequestColumns, seriesIds: Uint32Array, out: Uint32Array): void {
  for (let i = 0; i < seriesCount; i++) {
    const end = sampleStart[i + 1]!;
    for (let sample = sampleStart[i]!; sample < end; sample++) out[sample] = seriesIds[i]!;
  }
}
