import { createSnappyUncompressor, createWriteRequestDecoder, type WriteRequestColumns } from '@opendata/wire';
import { InvalidSeriesError } from '../head/errors.ts';
import { growUint32 } from '../head/growable.ts';
import type { Head } from '../head/head.ts';
import type { HeadWriter } from './head-writer.ts';

export interface RemoteWriteResult {
  /** The journal's commit group to wait for. */
  readonly group: number;
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
export function createRemoteWrite(head: Head, writer: HeadWriter, options: RemoteWriteOptions) {
  const uncompress = createSnappyUncompressor(options.maxBytes);
  const decode = createWriteRequestDecoder();
  let seriesIds = new Uint32Array(4096);
  let sampleSeries = new Uint32Array(4096);

  function store(columns: WriteRequestColumns): number {
    const { seriesCount, sampleCount, timestamps, values } = columns;
    if (columns.histogramCount > 0) throw new InvalidSeriesError('native histograms are not supported');
    writer.admit();
    seriesIds = growUint32(seriesIds, seriesCount);
    head.series.resolve(columns.body, columns.labelsStart, columns.labelsEnd, seriesCount, seriesIds);
    let series = seriesIds;
    if (sampleCount !== seriesCount || !hasOneSampleEach(columns)) {
      sampleSeries = growUint32(sampleSeries, sampleCount);
      expand(columns, seriesIds, sampleSeries);
      series = sampleSeries;
    }
    return writer.append({ series, timestamps, values, count: sampleCount });
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
      return { group, samples: columns.sampleCount };
    } catch (error) {
      options.onRefused(columns.sampleCount);
      throw error;
    }
  };
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
