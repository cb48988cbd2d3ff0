import { createWriteRequestDecoder, snappyUncompress, type WriteRequestColumns } from '@opendata/wire';
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
}

/** The path of a remote-write 1.0 request from its bytes to the head: a few passes over columns. */
export function createRemoteWrite(head: Head, writer: HeadWriter, options: RemoteWriteOptions) {
  const decode = createWriteRequestDecoder();
  let seriesIds = new Uint32Array(4096);
  let sampleSeries = new Uint32Array(4096);

  /**
   * Stores a request: all of it or nothing.
   * @param body as received: a snappy block
   * @throws WireError, InvalidSeriesError, InvalidSampleError, OverloadedError, StorageError
   */
  return function remoteWrite(body: Uint8Array): RemoteWriteResult {
    const columns = decode(snappyUncompress(body, options.maxBytes));
    const { seriesCount, sampleCount } = columns;
    if (columns.histogramCount > 0) throw new InvalidSeriesError('native histograms are not supported');
    if (seriesCount > 0) writer.admit();
    seriesIds = growUint32(seriesIds, seriesCount);
    head.series.resolve(columns.body, columns.labelsStart, columns.labelsEnd, seriesCount, seriesIds);
    let series = seriesIds;
    if (sampleCount !== seriesCount || !hasOneSampleEach(columns)) {
      sampleSeries = growUint32(sampleSeries, sampleCount);
      expand(columns, seriesIds, sampleSeries);
      series = sampleSeries;
    }
    const group = writer.append({ series, timestamps: columns.timestamps, values: columns.values, count: sampleCount });
    if (columns.metadata.length > 0) options.onMetadata(columns.metadata);
    return { group, samples: sampleCount };
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
