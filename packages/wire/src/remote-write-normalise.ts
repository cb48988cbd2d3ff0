import { malformed } from './errors.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readInt64,
  skipField,
  WIRE_FIXED64,
} from './proto-reader.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeBytesField,
  writeDoubleBits,
  writeInt64Field,
  writeRaw,
  writtenBytes,
} from './proto-writer.ts';

/**
 * Rewrites a request of any legal protobuf encoding to the one that the fast pass takes: in each series the labels,
 * then the samples, exemplars and histograms; no unknown field; no longer varint than needed.
 * @throws WireError malformed | unsupported, with the reason
 */
export function normaliseWriteRequest(body: Uint8Array): Uint8Array {
  const reader = createProtoReader(body);
  const writer = createProtoWriter(body.length + 64);
  const labels = createProtoWriter();
  const points = createProtoWriter();
  while (nextField(reader)) {
    if (reader.field === 1) {
      const outerEnd = enterMessage(reader);
      labels.at = 0;
      points.at = 0;
      splitSeries(reader, labels, points);
      leaveMessage(reader, outerEnd);
      const mark = beginMessage(writer, 1);
      writeRaw(writer, writtenBytes(labels));
      writeRaw(writer, writtenBytes(points));
      endMessage(writer, mark);
    } else if (reader.field === 3) writeBytesField(writer, 3, readBytes(reader));
    else skipField(reader);
  }
  return writtenBytes(writer);
}

function splitSeries(reader: ProtoReader, labels: ProtoWriter, points: ProtoWriter): void {
  while (nextField(reader)) {
    if (reader.field === 1) writeBytesField(labels, 1, readBytes(reader));
    else if (reader.field === 2) {
      const outerEnd = enterMessage(reader);
      copySample(reader, points);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 3 || reader.field === 4) writeBytesField(points, reader.field, readBytes(reader));
    else skipField(reader);
  }
}

function copySample(reader: ProtoReader, writer: ProtoWriter): void {
  let valueAt = -1;
  let timestampMs = 0;
  while (nextField(reader)) {
    if (reader.field === 1) {
      if (reader.wire !== WIRE_FIXED64) throw malformed(`remote write: sample value has wire type ${reader.wire}`);
      valueAt = reader.at;
      skipField(reader);
    } else if (reader.field === 2) timestampMs = readInt64(reader);
    else skipField(reader);
  }
  const mark = beginMessage(writer, 2);
  if (valueAt >= 0) {
    writeDoubleBits(writer, 1, littleEndian32(reader.bytes, valueAt), littleEndian32(reader.bytes, valueAt + 4));
  }
  writeInt64Field(writer, 2, timestampMs);
  endMessage(writer, mark);
}

function littleEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
