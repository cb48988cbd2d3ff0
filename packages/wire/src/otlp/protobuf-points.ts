import { Buffer } from 'node:buffer';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readDouble,
  readDoubleRaw,
  readFixed64Raw,
  readSint32,
  readUint32,
  readVarint,
  skipField,
  WIRE_BYTES,
} from '../proto-reader.ts';
import {
  NO_BUCKETS,
  NO_RECORDED_VALUE,
  type OtlpBuckets,
  type OtlpExemplar,
  type OtlpExponentialPoint,
  type OtlpHistogramPoint,
  type OtlpMetric,
  type OtlpNumberPoint,
  type OtlpPoint,
  type OtlpSummaryPoint,
} from './model.ts';
import { readAttribute, readCount, readSignedFixed, readTimeMs } from './protobuf-values.ts';

const TWO_32 = 4294967296;

/** The data point that the reader's range is. */
export function readPoint(reader: ProtoReader, kind: OtlpMetric['kind']): OtlpPoint {
  if (kind === 'histogram') return readHistogramPoint(reader);
  if (kind === 'exponential') return readExponentialPoint(reader);
  if (kind === 'summary') return readSummaryPoint(reader);
  return readNumberPoint(reader);
}

function readNumberPoint(reader: ProtoReader): OtlpNumberPoint {
  const attributes: string[] = [];
  const exemplars: OtlpExemplar[] = [];
  let startTimeMs = 0;
  let timeMs = 0;
  let value = 0;
  let flags = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 2:
        startTimeMs = readTimeMs(reader);
        break;
      case 3:
        timeMs = readTimeMs(reader);
        break;
      case 4:
        value = readDouble(reader);
        break;
      case 5:
        exemplars.push(readExemplar(reader));
        break;
      case 6:
        value = readSignedFixed(reader);
        break;
      case 7:
        readAttribute(reader, attributes);
        break;
      case 8:
        flags = readUint32(reader);
        break;
      default:
        skipField(reader);
    }
  }
  const isStale = (flags & NO_RECORDED_VALUE) !== 0;
  return { kind: 'number', attributes, startTimeMs, timeMs, isStale, value, exemplars };
}

function readHistogramPoint(reader: ProtoReader): OtlpHistogramPoint {
  const attributes: string[] = [];
  const exemplars: OtlpExemplar[] = [];
  const bucketCounts: number[] = [];
  const bounds: number[] = [];
  let startTimeMs = 0;
  let timeMs = 0;
  let count = 0;
  let sum: number | undefined;
  let flags = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 2:
        startTimeMs = readTimeMs(reader);
        break;
      case 3:
        timeMs = readTimeMs(reader);
        break;
      case 4:
        count = readCount(reader);
        break;
      case 5:
        sum = readDouble(reader);
        break;
      case 6:
        readCounts(reader, bucketCounts);
        break;
      case 7:
        readDoubles(reader, bounds);
        break;
      case 8:
        exemplars.push(readExemplar(reader));
        break;
      case 9:
        readAttribute(reader, attributes);
        break;
      case 10:
        flags = readUint32(reader);
        break;
      default:
        skipField(reader);
    }
  }
  const isStale = (flags & NO_RECORDED_VALUE) !== 0;
  return {
    kind: 'histogram',
    attributes,
    startTimeMs,
    timeMs,
    isStale,
    count,
    sum,
    bucketCounts,
    bounds,
    exemplars,
  };
}

function readExponentialPoint(reader: ProtoReader): OtlpExponentialPoint {
  const attributes: string[] = [];
  const exemplars: OtlpExemplar[] = [];
  let startTimeMs = 0;
  let timeMs = 0;
  let count = 0;
  let sum: number | undefined;
  let scale = 0;
  let zeroCount = 0;
  let zeroThreshold = 0;
  let positive = NO_BUCKETS;
  let negative = NO_BUCKETS;
  let flags = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 1:
        readAttribute(reader, attributes);
        break;
      case 2:
        startTimeMs = readTimeMs(reader);
        break;
      case 3:
        timeMs = readTimeMs(reader);
        break;
      case 4:
        count = readCount(reader);
        break;
      case 5:
        sum = readDouble(reader);
        break;
      case 6:
        scale = readSint32(reader);
        break;
      case 7:
        zeroCount = readCount(reader);
        break;
      case 8:
        positive = readBuckets(reader);
        break;
      case 9:
        negative = readBuckets(reader);
        break;
      case 10:
        flags = readUint32(reader);
        break;
      case 11:
        exemplars.push(readExemplar(reader));
        break;
      case 14:
        zeroThreshold = readDouble(reader);
        break;
      default:
        skipField(reader);
    }
  }
  return {
    kind: 'exponential',
    attributes,
    startTimeMs,
    timeMs,
    isStale: (flags & NO_RECORDED_VALUE) !== 0,
    count,
    sum,
    scale,
    zeroCount,
    zeroThreshold,
    positive,
    negative,
    exemplars,
  };
}

function readSummaryPoint(reader: ProtoReader): OtlpSummaryPoint {
  const attributes: string[] = [];
  const quantiles: { quantile: number; value: number }[] = [];
  let startTimeMs = 0;
  let timeMs = 0;
  let count = 0;
  let sum = 0;
  let flags = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 2:
        startTimeMs = readTimeMs(reader);
        break;
      case 3:
        timeMs = readTimeMs(reader);
        break;
      case 4:
        count = readCount(reader);
        break;
      case 5:
        sum = readDouble(reader);
        break;
      case 6:
        quantiles.push(readQuantile(reader));
        break;
      case 7:
        readAttribute(reader, attributes);
        break;
      case 8:
        flags = readUint32(reader);
        break;
      default:
        skipField(reader);
    }
  }
  const isStale = (flags & NO_RECORDED_VALUE) !== 0;
  return { kind: 'summary', attributes, startTimeMs, timeMs, isStale, count, sum, quantiles };
}

function readQuantile(reader: ProtoReader): { quantile: number; value: number } {
  const outerEnd = enterMessage(reader);
  let quantile = 0;
  let value = 0;
  while (nextField(reader)) {
    if (reader.field === 1) quantile = readDouble(reader);
    else if (reader.field === 2) value = readDouble(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { quantile, value };
}

function readBuckets(reader: ProtoReader): OtlpBuckets {
  const outerEnd = enterMessage(reader);
  const counts: number[] = [];
  let offset = 0;
  while (nextField(reader)) {
    if (reader.field === 1) offset = readSint32(reader);
    else if (reader.field === 2) readVarints(reader, counts);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { offset, counts };
}

function readExemplar(reader: ProtoReader): OtlpExemplar {
  const outerEnd = enterMessage(reader);
  const attributes: string[] = [];
  let timeMs = 0;
  let value = 0;
  let traceId = '';
  let spanId = '';
  while (nextField(reader)) {
    switch (reader.field) {
      case 2:
        timeMs = readTimeMs(reader);
        break;
      case 3:
        value = readDouble(reader);
        break;
      case 4:
        spanId = hexId(readBytes(reader));
        break;
      case 5:
        traceId = hexId(readBytes(reader));
        break;
      case 6:
        value = readSignedFixed(reader);
        break;
      case 7:
        readAttribute(reader, attributes);
        break;
      default:
        skipField(reader);
    }
  }
  leaveMessage(reader, outerEnd);
  return { attributes, timeMs, value, traceId, spanId };
}

/** An id of zeros is none. */
function hexId(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** One fixed64, or a packed field of them. */
function readCounts(reader: ProtoReader, into: number[]): void {
  if (reader.wire !== WIRE_BYTES) {
    into.push(readCount(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) {
    readFixed64Raw(reader);
    into.push(reader.high * TWO_32 + reader.low);
  }
  leaveMessage(reader, outerEnd);
}

function readDoubles(reader: ProtoReader, into: number[]): void {
  if (reader.wire !== WIRE_BYTES) {
    into.push(readDouble(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) into.push(readDoubleRaw(reader));
  leaveMessage(reader, outerEnd);
}

function readVarints(reader: ProtoReader, into: number[]): void {
  if (reader.wire !== WIRE_BYTES) {
    if (reader.wire !== 0) skipField(reader);
    else {
      readVarint(reader);
      into.push(reader.high * TWO_32 + reader.low);
    }
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) {
    readVarint(reader);
    into.push(reader.high * TWO_32 + reader.low);
  }
  leaveMessage(reader, outerEnd);
}
