import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeDoubleBits,
  writeDoubleField,
  writeInt64Field,
  writeRaw,
  writeStringField,
  writeUint64Field,
  writeVarint,
  writtenBytes,
} from './proto-writer.ts';
import { type FamilyMetadata, METRIC_TYPES } from './remote-write.ts';
import {
  STALE_NAN_BITS,
  type WriteRequestSample,
  type WriteRequestSeries,
  writeHistogram,
} from './remote-write-encode.ts';

export interface WriteRequest2Series extends WriteRequestSeries {
  readonly samples?: readonly (WriteRequestSample & { readonly startTimestampMs?: number })[];
  readonly metadata?: Omit<FamilyMetadata, 'family'>;
}

/** Encodes a remote write 2.0 request (uncompressed), for clients and tests: plain rather than fast. */
export function encodeWriteRequest2(series: readonly WriteRequest2Series[]): Uint8Array {
  const refs = new Map<string, number>([['', 0]]);
  const refOf = (text: string): number => {
    let ref = refs.get(text);
    if (ref === undefined) refs.set(text, (ref = refs.size));
    return ref;
  };
  const body = createProtoWriter(4096);
  for (const { labels, samples = [], histograms = [], exemplars = [], metadata } of series) {
    const mark = beginMessage(body, 5);
    writeRefs(body, labels.map(refOf));
    for (const sample of samples) writeSample(body, sample);
    for (const sample of histograms) writeHistogram(body, 3, sample);
    for (const exemplar of exemplars) {
      const exemplarMark = beginMessage(body, 4);
      writeRefs(body, exemplar.labels.map(refOf));
      writeDoubleField(body, 2, exemplar.value);
      writeInt64Field(body, 3, exemplar.timestampMs);
      endMessage(body, exemplarMark);
    }
    if (metadata !== undefined) {
      const metadataMark = beginMessage(body, 5);
      writeUint64Field(body, 1, METRIC_TYPES.indexOf(metadata.type));
      writeUint64Field(body, 3, refOf(metadata.help));
      writeUint64Field(body, 4, refOf(metadata.unit));
      endMessage(body, metadataMark);
    }
    endMessage(body, mark);
  }
  const writer = createProtoWriter(4096);
  for (const symbol of refs.keys()) writeStringField(writer, 4, symbol);
  writeRaw(writer, writtenBytes(body));
  return writtenBytes(writer);
}

function writeRefs(writer: ProtoWriter, refs: readonly number[]): void {
  const mark = beginMessage(writer, 1);
  for (const ref of refs) writeVarint(writer, ref);
  endMessage(writer, mark);
}

function writeSample(writer: ProtoWriter, sample: WriteRequestSample & { readonly startTimestampMs?: number }): void {
  const mark = beginMessage(writer, 2);
  if (sample.value === 'stale') writeDoubleBits(writer, 1, STALE_NAN_BITS.low, STALE_NAN_BITS.high);
  else writeDoubleField(writer, 1, sample.value);
  writeInt64Field(writer, 2, sample.timestampMs);
  if (sample.startTimestampMs !== undefined) writeInt64Field(writer, 3, sample.startTimestampMs);
  endMessage(writer, mark);
}
