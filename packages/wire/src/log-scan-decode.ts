import { Buffer } from 'node:buffer';
import { malformed } from './errors.ts';
import {
  addAttributes,
  createAttributeBuilder,
  finishAttributes,
  HEADERS_FIELD,
  parseAttributes,
  TIMESTAMP_FIELD,
} from './log-attributes.ts';
import { base64Of, integerOf, objectOf } from './log-json-values.ts';
import { type LogRecords, LogRecordsBuilder } from './log-records.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readInt64,
  readLength,
  readUint64,
  skipField,
} from './proto-reader.ts';

/** The answer to a scan of one key, or to a read over many. */
export interface ScanResponse {
  /** The key that was asked for; undefined for a read over many, where each record has its own. */
  readonly key: Uint8Array | undefined;
  readonly records: LogRecords;
  /** Where to go on reading. */
  readonly nextSequence: number;
}

const KEY_FIELD = 6;
const ARRIVAL_TIME_FIELD = 5;

/** @throws WireError malformed | unsupported */
export function decodeScanProtobuf(body: Uint8Array): ScanResponse {
  const records = new LogRecordsBuilder(body);
  const reader = createProtoReader(body);
  let key: Uint8Array | undefined;
  let nextSequence = 0;
  while (nextField(reader)) {
    if (reader.field === 2) key = readBytes(reader);
    else if (reader.field === 3) {
      const outerEnd = enterMessage(reader);
      readValue(reader, records);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 4) nextSequence = readUint64(reader);
    else skipField(reader);
  }
  return { key, records, nextSequence };
}

function readValue(reader: ProtoReader, records: LogRecordsBuilder): void {
  let sequence = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let keyStart = -1;
  let keyEnd = 0;
  let arrivalTimeMs = 0;
  let attributesStart = 0;
  let attributesEnd = 0;
  for (;;) {
    const fieldStart = reader.at;
    if (!nextField(reader)) break;
    switch (reader.field) {
      case 1:
        sequence = readUint64(reader);
        break;
      case 2:
        readLength(reader);
        valueStart = reader.at;
        reader.at = valueEnd = reader.valueEnd;
        break;
      case TIMESTAMP_FIELD:
      case HEADERS_FIELD:
        // What lies between two of them is skipped when they are decoded.
        if (attributesEnd === 0) attributesStart = fieldStart;
        skipField(reader);
        attributesEnd = reader.at;
        break;
      case ARRIVAL_TIME_FIELD:
        arrivalTimeMs = readInt64(reader);
        break;
      case KEY_FIELD:
        readLength(reader);
        keyStart = reader.at;
        reader.at = keyEnd = reader.valueEnd;
        break;
      default:
        skipField(reader);
    }
  }
  records.add(sequence, valueStart, valueEnd);
  if (keyStart >= 0) records.setKey(keyStart, keyEnd);
  if (arrivalTimeMs !== 0) records.setArrivalTime(arrivalTimeMs);
  if (attributesEnd > 0) records.setAttributes(attributesStart, attributesEnd);
}

/** @throws WireError malformed */
export function decodeScanJson(body: Uint8Array): ScanResponse {
  const response = objectOf(body);
  const { key, values } = response;
  if (!Array.isArray(values)) throw malformed('values: expected an array');
  const chunks: Uint8Array[] = [];
  let used = 0;
  const put = (text: unknown, where: string): number => {
    const bytes = base64Of(text, where);
    chunks.push(bytes);
    used += bytes.length;
    return used;
  };
  const records = new LogRecordsBuilder(body);
  const attributes = createAttributeBuilder();
  values.forEach((value: unknown, i) => {
    if (typeof value !== 'object' || value === null) throw malformed(`values[${i}]: expected an object`);
    const row = value as Record<string, unknown>;
    const start = used;
    records.add(integerOf(row['sequence'], `values[${i}].sequence`), start, put(row['value'], `values[${i}].value`));
    const keyStart = used;
    if (row['key'] !== undefined) records.setKey(keyStart, put(row['key'], `values[${i}].key`));
    const { arrivalTimeMs } = row;
    if (arrivalTimeMs !== undefined) records.setArrivalTime(integerOf(arrivalTimeMs, `values[${i}].arrivalTimeMs`));
    const own = parseAttributes(row, i);
    if (own === undefined) return;
    const attributesStart = attributes.writer.at;
    addAttributes(attributes, i, own);
    records.setAttributes(attributesStart, attributes.writer.at);
  });
  records.bytes = Buffer.concat(chunks, used);
  records.attributeBytes = finishAttributes(attributes, records.count)?.bytes ?? records.bytes;
  return {
    key: key === undefined ? undefined : base64Of(key, 'key'),
    records,
    nextSequence: integerOf(response['nextSequence'], 'nextSequence'),
  };
}
