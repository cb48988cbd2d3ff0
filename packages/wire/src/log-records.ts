import { decodeAttributes, type LogAttributes } from './log-attributes.ts';

/** Records that an answer carried, as byte ranges of the buffers that hold them: valid as long as these are. */
export interface LogRecords {
  readonly count: number;
  readonly sequences: Float64Array;
  /** The buffer of the values and keys. */
  readonly bytes: Uint8Array;
  readonly valueStarts: Uint32Array;
  readonly valueEnds: Uint32Array;
  /** The key of each record; undefined where the answer is about one key. */
  readonly keyStarts: Uint32Array | undefined;
  readonly keyEnds: Uint32Array | undefined;
  /** Arrival of each record, ms since 1970, 0 for one without; undefined when no record has any. */
  readonly arrivalTimes: Float64Array | undefined;
  /** Where the attributes of each record are in `attributeBytes`; undefined when no record has any. */
  readonly attributeBytes: Uint8Array;
  readonly attributeStarts: Uint32Array | undefined;
  readonly attributeEnds: Uint32Array | undefined;
}

/** One record of an answer. Key and value are views. */
export interface WireLogRecord extends LogAttributes {
  readonly sequence: number;
  readonly key?: Uint8Array;
  readonly value: Uint8Array;
  /** ms since 1970 */
  readonly arrivalTimeMs?: number;
}

/** Record `index` as an object. @throws WireError malformed */
export function logRecordAt(records: LogRecords, index: number): WireLogRecord {
  const { bytes, keyStarts, keyEnds, attributeStarts, attributeEnds } = records;
  const arrivalTimeMs = records.arrivalTimes?.[index] ?? 0;
  const attributesStart = attributeStarts?.[index] ?? 0;
  const attributesEnd = attributeEnds?.[index] ?? 0;
  return {
    sequence: records.sequences[index]!,
    value: bytes.subarray(records.valueStarts[index]!, records.valueEnds[index]!),
    ...(keyStarts !== undefined && { key: bytes.subarray(keyStarts[index]!, keyEnds![index]!) }),
    ...(arrivalTimeMs !== 0 && { arrivalTimeMs }),
    ...(attributesEnd > attributesStart && decodeAttributes(records.attributeBytes, attributesStart, attributesEnd)),
  };
}

/** Columns of records while they are read. */
export class LogRecordsBuilder implements LogRecords {
  count = 0;
  sequences = new Float64Array(32);
  bytes: Uint8Array;
  valueStarts = new Uint32Array(32);
  valueEnds = new Uint32Array(32);
  keyStarts: Uint32Array | undefined;
  keyEnds: Uint32Array | undefined;
  arrivalTimes: Float64Array | undefined;
  attributeBytes: Uint8Array;
  attributeStarts: Uint32Array | undefined;
  attributeEnds: Uint32Array | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.attributeBytes = bytes;
  }

  /** Adds a record; the setters below are about it. */
  add(sequence: number, valueStart: number, valueEnd: number): void {
    const index = this.count++;
    if (index === this.sequences.length) this.grow();
    this.sequences[index] = sequence;
    this.valueStarts[index] = valueStart;
    this.valueEnds[index] = valueEnd;
  }

  setKey(start: number, end: number): void {
    this.keyStarts ??= new Uint32Array(this.sequences.length);
    this.keyEnds ??= new Uint32Array(this.sequences.length);
    this.keyStarts[this.count - 1] = start;
    this.keyEnds[this.count - 1] = end;
  }

  setArrivalTime(timeMs: number): void {
    this.arrivalTimes ??= new Float64Array(this.sequences.length);
    this.arrivalTimes[this.count - 1] = timeMs;
  }

  setAttributes(start: number, end: number): void {
    this.attributeStarts ??= new Uint32Array(this.sequences.length);
    this.attributeEnds ??= new Uint32Array(this.sequences.length);
    this.attributeStarts[this.count - 1] = start;
    this.attributeEnds[this.count - 1] = end;
  }

  private grow(): void {
    this.sequences = doubledF64(this.sequences);
    this.valueStarts = doubledU32(this.valueStarts);
    this.valueEnds = doubledU32(this.valueEnds);
    if (this.keyStarts !== undefined) this.keyStarts = doubledU32(this.keyStarts);
    if (this.keyEnds !== undefined) this.keyEnds = doubledU32(this.keyEnds);
    if (this.arrivalTimes !== undefined) this.arrivalTimes = doubledF64(this.arrivalTimes);
    if (this.attributeStarts !== undefined) this.attributeStarts = doubledU32(this.attributeStarts);
    if (this.attributeEnds !== undefined) this.attributeEnds = doubledU32(this.attributeEnds);
  }
}

function doubledF64(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function doubledU32(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}
