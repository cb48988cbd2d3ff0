import type { HistogramSpan } from './proto-buckets.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeDouble,
  writeDoubleBits,
  writeDoubleField,
  writeInt64Field,
  writeSint64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from './proto-writer.ts';
import { type FamilyMetadata, METRIC_TYPES } from './remote-write.ts';
import type { HistogramSample, WireExemplar } from './remote-write-histogram.ts';

/** The bits of the NaN that marks a series as gone, low and high word. */
export const STALE_NAN_BITS = { low: 2, high: 0x7ff00000 } as const;

export interface WriteRequestSample {
  readonly timestampMs: number;
  /** `'stale'` writes the staleness marker, whose bits a JavaScript number does not keep safely */
  readonly value: number | 'stale';
}

export interface WriteRequestSeries {
  /** name, value, name, value, …; written in this order, which must be by name for most receivers */
  readonly labels: readonly string[];
  readonly samples?: readonly WriteRequestSample[];
  readonly exemplars?: readonly WireExemplar[];
  readonly histograms?: readonly HistogramSample[];
}

export interface WriteRequest {
  readonly series: readonly WriteRequestSeries[];
  readonly metadata?: readonly FamilyMetadata[];
}

/** Encodes a remote write 1.0 request (uncompressed), for clients and tests: plain rather than fast. */
export function encodeWriteRequest(request: WriteRequest): Uint8Array {
  const writer = createProtoWriter(4096);
  for (const series of request.series) {
    const mark = beginMessage(writer, 1);
    writeLabels(writer, series.labels);
    for (const sample of series.samples ?? []) writeSample(writer, sample);
    for (const exemplar of series.exemplars ?? []) writeExemplar(writer, exemplar);
    for (const sample of series.histograms ?? []) writeHistogram(writer, 4, sample);
    endMessage(writer, mark);
  }
  for (const metadata of request.metadata ?? []) writeMetadata(writer, metadata);
  return writtenBytes(writer);
}

function writeLabels(writer: ProtoWriter, labels: readonly string[]): void {
  for (let i = 0; i < labels.length; i += 2) {
    const mark = beginMessage(writer, 1);
    writeStringField(writer, 1, labels[i]!);
    writeStringField(writer, 2, labels[i + 1]!);
    endMessage(writer, mark);
  }
}

function writeSample(writer: ProtoWriter, sample: WriteRequestSample): void {
  const mark = beginMessage(writer, 2);
  if (sample.value === 'stale') writeDoubleBits(writer, 1, STALE_NAN_BITS.low, STALE_NAN_BITS.high);
  else if (!Object.is(sample.value, 0)) writeDoubleField(writer, 1, sample.value);
  if (sample.timestampMs !== 0) writeInt64Field(writer, 2, sample.timestampMs);
  endMessage(writer, mark);
}

function writeExemplar(writer: ProtoWriter, exemplar: WireExemplar): void {
  const mark = beginMessage(writer, 3);
  writeLabels(writer, exemplar.labels);
  writeDoubleField(writer, 2, exemplar.value);
  writeInt64Field(writer, 3, exemplar.timestampMs);
  endMessage(writer, mark);
}

/** Writes a Histogram message with float counts. */
export function writeHistogram(writer: ProtoWriter, field: number, sample: HistogramSample): void {
  const { histogram } = sample;
  const mark = beginMessage(writer, field);
  writeDoubleField(writer, 2, histogram.count);
  writeDoubleField(writer, 3, histogram.sum);
  writeSint64Field(writer, 4, histogram.schema);
  writeDoubleField(writer, 5, histogram.zeroThreshold);
  writeDoubleField(writer, 7, histogram.zeroCount);
  for (const span of histogram.negativeSpans) writeSpan(writer, 8, span);
  writeDoubles(writer, 10, histogram.negativeBuckets);
  for (const span of histogram.positiveSpans) writeSpan(writer, 11, span);
  writeDoubles(writer, 13, histogram.positiveBuckets);
  writeUint64Field(writer, 14, ['unknown', 'reset', 'not_reset', 'gauge'].indexOf(histogram.counterResetHint));
  writeInt64Field(writer, 15, sample.timestampMs);
  writeDoubles(writer, 16, histogram.customValues);
  if (sample.startTimestampMs !== undefined) writeInt64Field(writer, 17, sample.startTimestampMs);
  endMessage(writer, mark);
}

function writeSpan(writer: ProtoWriter, field: number, span: HistogramSpan): void {
  const mark = beginMessage(writer, field);
  writeSint64Field(writer, 1, span.offset);
  writeUint64Field(writer, 2, span.length);
  endMessage(writer, mark);
}

function writeDoubles(writer: ProtoWriter, field: number, values: Float64Array): void {
  if (values.length === 0) return;
  const mark = beginMessage(writer, field);
  for (const value of values) writeDouble(writer, value);
  endMessage(writer, mark);
}

function writeMetadata(writer: ProtoWriter, metadata: FamilyMetadata): void {
  const mark = beginMessage(writer, 3);
  writeUint64Field(writer, 1, METRIC_TYPES.indexOf(metadata.type));
  writeStringField(writer, 2, metadata.family);
  writeStringField(writer, 4, metadata.help);
  writeStringField(writer, 5, metadata.unit);
  endMessage(writer, mark);
}
