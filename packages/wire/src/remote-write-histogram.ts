import { absoluteBuckets, createBucketSide, type HistogramSpan, readSpan } from './proto-buckets.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  readDouble,
  readInt64,
  readSint32,
  readUint32,
  readUint64,
  skipField,
} from './proto-reader.ts';
import { readDoubles, readSint64s } from './proto-repeated.ts';
import { readLabel } from './remote-write-labels.ts';

/** A native histogram with float counts; bucket counts are absolute, also where the sender's were integer deltas. */
export interface WireHistogram {
  /** where it was decoded: whether the sender's counts were floats, which need not add up */
  readonly isFloat?: boolean;
  readonly schema: number;
  readonly counterResetHint: 'unknown' | 'reset' | 'not_reset' | 'gauge';
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly HistogramSpan[];
  readonly positiveBuckets: Float64Array;
  readonly negativeSpans: readonly HistogramSpan[];
  readonly negativeBuckets: Float64Array;
  readonly customValues: Float64Array;
}

export interface HistogramSample {
  readonly timestampMs: number;
  /** start of the counter, ms; only remote write 2.0 has it */
  readonly startTimestampMs?: number;
  readonly histogram: WireHistogram;
}

export interface WireExemplar {
  /** name, value, name, value, … */
  readonly labels: readonly string[];
  readonly value: number;
  readonly timestampMs: number;
}

const RESET_HINTS = ['unknown', 'reset', 'not_reset', 'gauge'] as const;

/**
 * Decodes a Histogram message of remote write 1.0 or 2.0, integer or float.
 * @throws WireError malformed, also where spans and buckets disagree; unsupported for a count beyond 2^53
 */
export function decodeHistogram(body: Uint8Array, start: number, end: number): HistogramSample {
  const reader = createProtoReader(body, start, end);
  const positive = createBucketSide();
  const negative = createBucketSide();
  const customValues: number[] = [];
  let isFloat = false;
  let count = 0;
  let sum = 0;
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let resetHint = 0;
  let timestampMs = 0;
  let startTimestampMs = 0;
  while (nextField(reader)) {
    switch (reader.field) {
      case 1:
        count = readUint64(reader);
        isFloat = false;
        break;
      case 2:
        count = readDouble(reader);
        isFloat = true;
        break;
      case 3:
        sum = readDouble(reader);
        break;
      case 4:
        schema = readSint32(reader);
        break;
      case 5:
        zeroThreshold = readDouble(reader);
        break;
      case 6:
        zeroCount = readUint64(reader);
        break;
      case 7:
        zeroCount = readDouble(reader);
        break;
      case 8:
        negative.spans.push(readSpan(reader));
        break;
      case 9:
        readSint64s(reader, negative.deltas);
        break;
      case 10:
        readDoubles(reader, negative.counts);
        break;
      case 11:
        positive.spans.push(readSpan(reader));
        break;
      case 12:
        readSint64s(reader, positive.deltas);
        break;
      case 13:
        readDoubles(reader, positive.counts);
        break;
      case 14:
        resetHint = readUint32(reader);
        break;
      case 15:
        timestampMs = readInt64(reader);
        break;
      case 16:
        readDoubles(reader, customValues);
        break;
      case 17:
        startTimestampMs = readInt64(reader);
        break;
      default:
        skipField(reader);
    }
  }
  const histogram: WireHistogram = {
    isFloat,
    schema,
    counterResetHint: RESET_HINTS[resetHint] ?? 'unknown',
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans: positive.spans,
    positiveBuckets: absoluteBuckets(positive, isFloat, 'remote write'),
    negativeSpans: negative.spans,
    negativeBuckets: absoluteBuckets(negative, isFloat, 'remote write'),
    customValues: Float64Array.from(customValues),
  };
  return startTimestampMs === 0 ? { timestampMs, histogram } : { timestampMs, startTimestampMs, histogram };
}

/**
 * Decodes an Exemplar message of remote write 1.0.
 * @throws WireError malformed
 */
export function decodeExemplar(body: Uint8Array, start: number, end: number): WireExemplar {
  const reader = createProtoReader(body, start, end);
  const labels: string[] = [];
  let value = 0;
  let timestampMs = 0;
  while (nextField(reader)) {
    if (reader.field === 1) {
      const outerEnd = enterMessage(reader);
      readLabel(reader, labels);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 2) value = readDouble(reader);
    else if (reader.field === 3) timestampMs = readInt64(reader);
    else skipField(reader);
  }
  return { labels, value, timestampMs };
}
