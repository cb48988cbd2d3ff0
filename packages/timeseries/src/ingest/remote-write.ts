import { createSnappyUncompressor, createWriteRequestDecoder, type WriteRequestColumns } from '@opendata/wire';
import { growUint32 } from '../head/growable.ts';
import type { Head } from '../head/head.ts';
import type { BatchWriter, WriteBatch } from './batch-writer.ts';
import type { HeadWriter, SampleColumns } from './head-writer.ts';
import { requestExemplar, requestHistogram, withStaleMarkers } from './request-extras.ts';

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
  const uncompress = createSnappyUncompressor(options.maxBytes);
  const decode = createWriteRequestDecoder();
  let seriesIds = new Uint32Array(4096);
  let sampleSeries = new Uint32Array(4096);

  function store(columns: WriteRequestColumns): number {
    const { seriesCount, sampleCount, timestamps, values } = columns;
    writer.admit();
    seriesIds = growUint32(seriesIds, seriesCount);
    head.series.resolve(columns.body, columns.labelsStart, columns.labelsEnd, seriesCount, seriesIds);
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
    const columns = decode(uncompress(body));
    try {
      const group = store(columns);
      if (columns.metadata.length > 0) options.onMetadata(columns.metadata);
      return { group, samples: columns.sampleCount + columns.histogramCount };
    } catch (error) {
      options.onRefused(columns.sampleCount + columns.histogramCount);
      throw error;
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
