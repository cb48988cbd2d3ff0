import { Buffer } from 'node:buffer';
import { type ProtoQuantile, readQuantile } from '../proto-quantile.ts';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readDouble,
  readFixed64Raw,
  readSint32,
  readUint32,
  readVarint,
  skipField,
  WIRE_BYTES,
} from '../proto-reader.ts';
import { readDoubles } from '../proto-repeated.ts';
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

/** What points of every kind have. */
interface PointHead {
  readonly attributes: string[];
  startTimeMs: number;
  timeMs: number;
  isStale: boolean;
}

/** Numbers of fields that differ from kind to kind; those of the times do not. */
interface HeadFields {
  readonly attributes: number;
  readonly flags: number;
}

const NUMBER_HEAD: HeadFields = { attributes: 7, flags: 8 };
const HISTOGRAM_HEAD: HeadFields = { attributes: 9, flags: 10 };
const EXPONENTIAL_HEAD: HeadFields = { attributes: 1, flags: 10 };
const SUMMARY_HEAD: HeadFields = { attributes: 7, flags: 8 };

function createHead(): PointHead {
  return { attributes: [], startTimeMs: 0, timeMs: 0, isStale: false };
}

/** Reads the field where it belongs to the head, and skips it otherwise. */
function readHeadField(reader: ProtoReader, head: PointHead, { attributes, flags }: HeadFields): void {
  const { field } = reader;
  if (field === attributes) readAttribute(reader, head.attributes);
  else if (field === 2) head.startTimeMs = readTimeMs(reader);
  else if (field === 3) head.timeMs = readTimeMs(reader);
  else if (field === flags) head.isStale = (readUint32(reader) & NO_RECORDED_VALUE) !== 0;
  else skipField(reader);
}

function readNumberPoint(reader: ProtoReader): OtlpNumberPoint {
  const head = createHead();
  const exemplars: OtlpExemplar[] = [];
  let value = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 4:
        value = readDouble(reader);
        break;
      case 5:
        exemplars.push(readExemplar(reader));
        break;
      case 6:
        value = readSignedFixed(reader);
        break;
      default:
        readHeadField(reader, head, NUMBER_HEAD);
    }
  }
  return { kind: 'number', ...head, value, exemplars };
}

function readHistogramPoint(reader: ProtoReader): OtlpHistogramPoint {
  const head = createHead();
  const exemplars: OtlpExemplar[] = [];
  const bucketCounts: number[] = [];
  const bounds: number[] = [];
  let count = 0;
  let sum: number | undefined;
  while (nextField(reader)) {
    switch (reader.field) {
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
      default:
        readHeadField(reader, head, HISTOGRAM_HEAD);
    }
  }
  return { kind: 'histogram', ...head, count, sum, bucketCounts, bounds, exemplars };
}

function readExponentialPoint(reader: ProtoReader): OtlpExponentialPoint {
  const head = createHead();
  const exemplars: OtlpExemplar[] = [];
  let count = 0;
  let sum: number | undefined;
  let scale = 0;
  let zeroCount = 0;
  let zeroThreshold = 0;
  let positive = NO_BUCKETS;
  let negative = NO_BUCKETS;
  while (nextField(reader)) {
    switch (reader.field) {
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
      case 11:
        exemplars.push(readExemplar(reader));
        break;
      case 14:
        zeroThreshold = readDouble(reader);
        break;
      default:
        readHeadField(reader, head, EXPONENTIAL_HEAD);
    }
  }
  return {
    kind: 'exponential',
    ...head,
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
  const head = createHead();
  const quantiles: ProtoQuantile[] = [];
  let count = 0;
  let sum = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 4:
        count = readCount(reader);
        break;
      case 5:
        sum = readDouble(reader);
        break;
      case 6:
        quantiles.push(readQuantile(reader));
        break;
      default:
        readHeadField(reader, head, SUMMARY_HEAD);
    }
  }
  return { kind: 'summary', ...head, count, sum, quantiles };
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
