import { malformed } from './errors.ts';
import { createProtoReader, nextField, readString, readUint32, seek, skipField } from './proto-reader.ts';
import { createColumns, type MutableColumns } from './remote-write-columns.ts';
import { normaliseWriteRequest } from './remote-write-normalise.ts';
import { type SeriesShortcut, scanWriteRequest } from './remote-write-scan.ts';

export const METRIC_TYPES = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
] as const;

export type MetricType = (typeof METRIC_TYPES)[number];

/** What a sender or an exporter says about a metric family. */
export interface FamilyMetadata {
  readonly family: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/**
 * A decoded write request as columns. The arrays belong to the decoder and are longer than what they hold: they are
 * valid, up to the counts, until its next call.
 */
export interface WriteRequestColumns {
  /** The bytes that all ranges point into: the request's body, or a rewritten one if its fields came in an odd order. */
  readonly body: Uint8Array;
  readonly seriesCount: number;
  /** byte range of a series' repeated `labels` fields: for `decodeLabels`, or to be hashed and compared as it is */
  readonly labelsStart: Uint32Array;
  readonly labelsEnd: Uint32Array;
  /** series i has the samples sampleStart[i] … sampleStart[i + 1] - 1 */
  readonly sampleStart: Uint32Array;
  readonly sampleCount: number;
  /** ms */
  readonly timestamps: Float64Array;
  /** with the sender's bits, NaN payloads included */
  readonly values: Float64Array;
  /** the bits of `values`: low word of sample i at 2i, high word at 2i + 1 */
  readonly valueBits: Int32Array;
  /** Histogram messages, by series: byte ranges for `decodeHistogram` */
  readonly histogramCount: number;
  readonly histogramSeries: Uint32Array;
  readonly histogramStart: Uint32Array;
  readonly histogramEnd: Uint32Array;
  /** Exemplar messages, by series: byte ranges for `decodeExemplar` */
  readonly exemplarCount: number;
  readonly exemplarSeries: Uint32Array;
  readonly exemplarStart: Uint32Array;
  readonly exemplarEnd: Uint32Array;
  readonly metadata: readonly FamilyMetadata[];
}

export interface WriteRequestLimits {
  /** series in a request; default 1,000,000 */
  readonly maxSeries?: number;
  /** samples in a request; default 1,000,000 */
  readonly maxSamples?: number;
  /** What may take series that it recognises from the body. */
  readonly shortcut?: SeriesShortcut | undefined;
}

/**
 * A decoder of remote write 1.0 requests (uncompressed). It walks the body once and makes no string or object per
 * series or sample. What is inside a label is checked by `decodeLabels`, which a receiver calls for a series that it
 * sees for the first time; everything else is checked here.
 *
 * Fields in another order than senders use (samples before labels, several runs of labels, unknown fields) are taken
 * by a slower way, which rewrites the body.
 *
 * The decoder throws WireError: malformed; unsupported for a timestamp beyond ±2^53 ms or a group; too_large for more
 * series or samples than the limits.
 */
export function createWriteRequestDecoder(limits: WriteRequestLimits = {}): (body: Uint8Array) => WriteRequestColumns {
  const columns = createColumns(limits.maxSeries ?? 1_000_000, limits.maxSamples ?? 1_000_000);
  const { shortcut } = limits;
  return (body) => {
    if (!scanWriteRequest(columns, body, shortcut)) {
      const rewritten = normaliseWriteRequest(body);
      if (!scanWriteRequest(columns, rewritten, shortcut)) throw malformed('remote write: malformed request');
    }
    columns.metadata = columns.metadataCount === 0 ? noMetadata : decodeMetadata(columns);
    return columns;
  };
}

const noMetadata: readonly FamilyMetadata[] = [];

function decodeMetadata(columns: MutableColumns): FamilyMetadata[] {
  const reader = createProtoReader(columns.body);
  const list: FamilyMetadata[] = [];
  for (let i = 0; i < columns.metadataCount; i++) {
    seek(reader, columns.metadataStart[i]!, columns.metadataEnd[i]!);
    let family = '';
    let type = 0;
    let help = '';
    let unit = '';
    while (nextField(reader)) {
      if (reader.field === 1) type = readUint32(reader);
      else if (reader.field === 2) family = readString(reader);
      else if (reader.field === 4) help = readString(reader);
      else if (reader.field === 5) unit = readString(reader);
      else skipField(reader);
    }
    list.push({ family, type: METRIC_TYPES[type] ?? 'unknown', help, unit });
  }
  return list;
}
