/** A run of buckets: `offset` empty buckets after the previous span, then `length` buckets. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

export type CounterResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/**
 * A native histogram with float counts. Standard schemas are -4…8; schema -53 has custom bucket bounds in
 * `customValues` and neither zero nor negative buckets. Bucket counts are absolute, not deltas.
 */
export interface FloatHistogram {
  readonly schema: number;
  readonly counterResetHint: CounterResetHint;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly Span[];
  readonly positiveBuckets: Float64Array;
  readonly negativeSpans: readonly Span[];
  readonly negativeBuckets: Float64Array;
  readonly customValues: Float64Array;
}
