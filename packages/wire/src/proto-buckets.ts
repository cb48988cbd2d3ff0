import { malformed } from './errors.ts';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readSint32,
  readUint32,
  skipField,
} from './proto-reader.ts';

/** A run of buckets: `offset` empty buckets after the previous span, then `length` buckets. */
export interface HistogramSpan {
  readonly offset: number;
  readonly length: number;
}

/** The positive or the negative buckets of a native histogram as its message has them. */
export interface BucketSide {
  readonly spans: HistogramSpan[];
  /** Of an integer histogram, each against the bucket before. */
  readonly deltas: number[];
  /** Of a float histogram. */
  readonly counts: number[];
}

export function createBucketSide(): BucketSide {
  return { spans: [], deltas: [], counts: [] };
}

/** A BucketSpan message, the same in Prometheus' exposition and in remote write. */
export function readSpan(reader: ProtoReader): HistogramSpan {
  const outerEnd = enterMessage(reader);
  let offset = 0;
  let length = 0;
  while (nextField(reader)) {
    if (reader.field === 1) offset = readSint32(reader);
    else if (reader.field === 2) length = readUint32(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { offset, length };
}

/**
 * The count of each bucket.
 * @param source for messages
 * @throws WireError malformed where there are more or fewer than the spans say
 */
export function absoluteBuckets(side: BucketSide, isFloat: boolean, source: string): Float64Array {
  let declared = 0;
  for (const span of side.spans) declared += span.length;
  const given = isFloat ? side.counts : side.deltas;
  if (given.length !== declared) {
    throw malformed(`${source}: histogram spans need ${declared} buckets, have ${given.length} buckets`);
  }
  const buckets = Float64Array.from(given);
  if (!isFloat) for (let i = 1; i < buckets.length; i++) buckets[i]! += buckets[i - 1]!;
  return buckets;
}
