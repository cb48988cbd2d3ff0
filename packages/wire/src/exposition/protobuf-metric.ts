import { absoluteBuckets, createBucketSide, readSpan } from '../proto-buckets.ts';
import { type ProtoQuantile, readQuantile } from '../proto-quantile.ts';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readDouble,
  readInt64,
  readSint32,
  readString,
  readUint64,
  skipField,
  WIRE_BYTES,
} from '../proto-reader.ts';
import { readDoubles, readSint64s } from '../proto-repeated.ts';
import type { WireExemplar, WireHistogram } from '../remote-write-histogram.ts';

/** A Metric message of whichever type. */
export interface ProtoMetric {
  readonly labels: string[];
  /** NaN: none */
  timestampMs: number;
  value: number;
  count: number;
  sum: number;
  readonly quantiles: ProtoQuantile[];
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

function readHistogram(reader: ProtoReader, metric: ProtoMetric): void {
  const sides = { negative: createBucketSide(), positive: createBucketSide() };
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
        readSint64s(reader, sides.negative.deltas);
        break;
      case 11:
        readDoubles(reader, sides.negative.counts);
        break;
      case 12:
        sides.positive.spans.push(readSpan(reader));
        break;
      case 13:
        readSint64s(reader, sides.positive.deltas);
        break;
      case 14:
        readDoubles(reader, sides.positive.counts);
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
    isFloat,
    schema,
    counterResetHint: 'unknown',
    zeroThreshold,
    zeroCount,
    count: metric.count,
    sum: metric.sum,
    positiveSpans: positive.spans,
    positiveBuckets: absoluteBuckets(positive, isFloat, 'protobuf'),
    negativeSpans: negative.spans,
    negativeBuckets: absoluteBuckets(negative, isFloat, 'protobuf'),
    customValues: NONE,
  };
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
