import { malformed } from '../errors.ts';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readDouble,
  readDoubleRaw,
  readInt64,
  readSint32,
  readSint64,
  readSint64Raw,
  readString,
  readUint64,
  skipField,
  WIRE_BYTES,
} from '../proto-reader.ts';
import { type HistogramSpan, readSpan, type WireExemplar, type WireHistogram } from '../remote-write-histogram.ts';

/** A Metric message of whichever type. */
export interface ProtoMetric {
  readonly labels: string[];
  /** NaN: none */
  timestampMs: number;
  value: number;
  count: number;
  sum: number;
  readonly quantiles: { quantile: number; value: number }[];
  readonly buckets: { bound: number; count: number; exemplar: WireExemplar | undefined }[];
  readonly exemplars: WireExemplar[];
  native: WireHistogram | undefined;
}

const NONE = new Float64Array(0);

/** The metric that the reader's range is. @throws WireError */
export function readProtoMetric(reader: ProtoReader): ProtoMetric {
  const metric: ProtoMetric = {
    labels: [],
    timestampMs: Number.NaN,
    value: 0,
    count: 0,
    sum: 0,
    quantiles: [],
    buckets: [],
    exemplars: [],
    native: undefined,
  };
  while (nextField(reader)) {
    if (reader.field === 6) {
      metric.timestampMs = readInt64(reader);
      continue;
    }
    if (reader.wire !== WIRE_BYTES || reader.field > 7) {
      skipField(reader);
      continue;
    }
    const { field } = reader;
    const outerEnd = enterMessage(reader);
    if (field === 1) readLabel(reader, metric.labels);
    else if (field === 4) readSummary(reader, metric);
    else if (field === 7) readHistogram(reader, metric);
    else readValue(reader, metric);
    leaveMessage(reader, outerEnd);
  }
  return metric;
}

function readLabel(reader: ProtoReader, labels: string[]): void {
  let name = '';
  let value = '';
  while (nextField(reader)) {
    if (reader.field === 1) name = readString(reader);
    else if (reader.field === 2) value = readString(reader);
    else skipField(reader);
  }
  labels.push(name, value);
}

function readValue(reader: ProtoReader, metric: ProtoMetric): void {
  while (nextField(reader)) {
    if (reader.field === 1) metric.value = readDouble(reader);
    else if (reader.field === 2) metric.exemplars.push(readExemplar(reader));
    else skipField(reader);
  }
}

function readSummary(reader: ProtoReader, metric: ProtoMetric): void {
  while (nextField(reader)) {
    if (reader.field === 1) metric.count = readUint64(reader);
    else if (reader.field === 2) metric.sum = readDouble(reader);
    else if (reader.field === 3) metric.quantiles.push(readQuantile(reader));
    else skipField(reader);
  }
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

function readHistogram(reader: ProtoReader, metric: ProtoMetric): void {
  const sides = { negative: createSide(), positive: createSide() };
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let isFloat = false;
  while (nextField(reader)) {
    switch (reader.field) {
      case 1:
        if (!isFloat) metric.count = readUint64(reader);
        else skipField(reader);
        break;
      case 2:
        metric.sum = readDouble(reader);
        break;
      case 3:
        metric.buckets.push(readBucket(reader));
        break;
      case 4:
        metric.count = readDouble(reader);
        isFloat = true;
        break;
      case 5:
        schema = readSint32(reader);
        break;
      case 6:
        zeroThreshold = readDouble(reader);
        break;
      case 7:
        zeroCount = readUint64(reader);
        break;
      case 8:
        zeroCount = readDouble(reader);
        break;
      case 9:
        sides.negative.spans.push(readSpan(reader));
        break;
      case 10:
        readEach(reader, sides.negative.deltas, readSint64, readSint64Raw);
        break;
      case 11:
        readEach(reader, sides.negative.counts, readDouble, readDoubleRaw);
        break;
      case 12:
        sides.positive.spans.push(readSpan(reader));
        break;
      case 13:
        readEach(reader, sides.positive.deltas, readSint64, readSint64Raw);
        break;
      case 14:
        readEach(reader, sides.positive.counts, readDouble, readDoubleRaw);
        break;
      case 16:
        metric.exemplars.push(readExemplar(reader));
        break;
      default:
        skipField(reader);
    }
  }
  const { positive, negative } = sides;
  if (positive.spans.length + negative.spans.length === 0 && zeroThreshold === 0 && zeroCount === 0) return;
  metric.native = {
    schema,
    counterResetHint: 'unknown',
    zeroThreshold,
    zeroCount,
    count: metric.count,
    sum: metric.sum,
    positiveSpans: positive.spans,
    positiveBuckets: bucketsOf(positive, isFloat),
    negativeSpans: negative.spans,
    negativeBuckets: bucketsOf(negative, isFloat),
    customValues: NONE,
  };
}

interface Side {
  readonly spans: HistogramSpan[];
  readonly deltas: number[];
  readonly counts: number[];
}

function createSide(): Side {
  return { spans: [], deltas: [], counts: [] };
}

function bucketsOf({ spans, deltas, counts }: Side, isFloat: boolean): Float64Array {
  const given = isFloat ? counts : deltas;
  const declared = spans.reduce((sum, { length }) => sum + length, 0);
  if (given.length !== declared) {
    throw malformed(`protobuf: histogram spans need ${declared} buckets, have ${given.length}`);
  }
  const buckets = Float64Array.from(given);
  if (!isFloat) for (let i = 1; i < buckets.length; i++) buckets[i]! += buckets[i - 1]!;
  return buckets;
}

function readBucket(reader: ProtoReader): ProtoMetric['buckets'][number] {
  const outerEnd = enterMessage(reader);
  const bucket: ProtoMetric['buckets'][number] = { bound: 0, count: 0, exemplar: undefined };
  while (nextField(reader)) {
    if (reader.field === 1) bucket.count = readUint64(reader);
    else if (reader.field === 2) bucket.bound = readDouble(reader);
    else if (reader.field === 3) bucket.exemplar = readExemplar(reader);
    else if (reader.field === 4) bucket.count = readDouble(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return bucket;
}

function readExemplar(reader: ProtoReader): WireExemplar {
  const outerEnd = enterMessage(reader);
  const labels: string[] = [];
  let value = 0;
  let timestampMs = Number.NaN;
  while (nextField(reader)) {
    if (reader.field === 1) {
      const end = enterMessage(reader);
      readLabel(reader, labels);
      leaveMessage(reader, end);
    } else if (reader.field === 2) value = readDouble(reader);
    else if (reader.field === 3) timestampMs = readTimestamp(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { labels, value, timestampMs };
}

function readTimestamp(reader: ProtoReader): number {
  const outerEnd = enterMessage(reader);
  let seconds = 0;
  let nanos = 0;
  while (nextField(reader)) {
    if (reader.field === 1) seconds = readInt64(reader);
    else if (reader.field === 2) nanos = readInt64(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return seconds * 1000 + Math.trunc(nanos / 1_000_000);
}

/** One element, or a packed field of them. */
function readEach(
  reader: ProtoReader,
  into: number[],
  readOne: (reader: ProtoReader) => number,
  readRaw: (reader: ProtoReader) => number,
): void {
  if (reader.wire !== WIRE_BYTES) {
    into.push(readOne(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) into.push(readRaw(reader));
  leaveMessage(reader, outerEnd);
}
