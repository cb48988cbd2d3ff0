import type { FloatHistogram, Span } from '@opendata/promql';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeBytesField,
  writeDoubleField,
  writeInt64Field,
  writeSint64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from '@opendata/wire';
import { PIECE_BYTES, type Pieces } from './json-writer.ts';

/** Types of metric families in `io.prometheus.client`. */
const UNTYPED = 3;
const HISTOGRAM = 4;
const GAUGE_HISTOGRAM = 5;
const SAMPLES_PER_TURN = 256;

/** A series with its newest sample, its names as the client reads them. */
export interface FederatedSample {
  readonly name: string;
  /** [name, value] of the other labels. */
  readonly labels: readonly (readonly [string, string])[];
  readonly timestampMs: number;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

/** Delimited `MetricFamily` messages; samples of a name that follow each other are one family. */
export function* federateProtobuf(samples: readonly FederatedSample[]): Pieces {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  for (let at = 0; at < samples.length; ) {
    const first = samples[at]!;
    const writer = createProtoWriter();
    writeStringField(writer, 1, first.name);
    writeUint64Field(writer, 3, typeOf(first));
    do {
      writeMetric(writer, samples[at++]!);
      if (at % SAMPLES_PER_TURN === 0) yield undefined;
    } while (at < samples.length && isSameFamily(first, samples[at]!));
    const family = writtenBytes(writer);
    parts.push(lengthOf(family), family);
    partBytes += family.length;
    if (partBytes < PIECE_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    partBytes = 0;
  }
  return Buffer.concat(parts);
}

function isSameFamily(a: FederatedSample, b: FederatedSample): boolean {
  return a.name === b.name && typeOf(a) === typeOf(b);
}

function typeOf({ histogram }: FederatedSample): number {
  if (histogram === undefined) return UNTYPED;
  return histogram.counterResetHint === 'gauge' ? GAUGE_HISTOGRAM : HISTOGRAM;
}

function writeMetric(writer: ProtoWriter, { labels, value, histogram, timestampMs }: FederatedSample): void {
  const metric = beginMessage(writer, 4);
  for (const [name, text] of labels) {
    const label = beginMessage(writer, 1);
    writeStringField(writer, 1, name);
    writeStringField(writer, 2, text);
    endMessage(writer, label);
  }
  if (histogram === undefined) {
    const untyped = beginMessage(writer, 5);
    writeDoubleField(writer, 1, value);
    endMessage(writer, untyped);
  }
  writeInt64Field(writer, 6, timestampMs);
  if (histogram !== undefined) writeHistogram(writer, histogram);
  endMessage(writer, metric);
}

function writeHistogram(writer: ProtoWriter, histogram: FloatHistogram): void {
  const message = beginMessage(writer, 7);
  writeDoubleField(writer, 2, histogram.sum);
  writeDoubleField(writer, 4, histogram.count);
  writeSint64Field(writer, 5, histogram.schema);
  writeDoubleField(writer, 6, histogram.zeroThreshold);
  writeDoubleField(writer, 8, histogram.zeroCount);
  for (const span of histogram.negativeSpans) writeSpan(writer, 9, span);
  if (histogram.negativeBuckets.length > 0) writeBytesField(writer, 11, doubles(histogram.negativeBuckets));
  for (const span of histogram.positiveSpans) writeSpan(writer, 12, span);
  if (histogram.positiveBuckets.length > 0) writeBytesField(writer, 14, doubles(histogram.positiveBuckets));
  endMessage(writer, message);
}

function writeSpan(writer: ProtoWriter, field: number, { offset, length }: Span): void {
  const message = beginMessage(writer, field);
  writeSint64Field(writer, 1, offset);
  writeUint64Field(writer, 2, length);
  endMessage(writer, message);
}

function doubles(values: Float64Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (let i = 0; i < values.length; i++) bytes.writeDoubleLE(values[i]!, i * 8);
  return bytes;
}

function lengthOf(message: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  let rest = message.length;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
}
