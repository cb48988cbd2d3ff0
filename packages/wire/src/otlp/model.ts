/** Metrics as OTLP has them, whichever of its encodings they came in. Times are Unix ms, 0 where there are none. */

/** Keys and values in turn; a value that is no text is written as OpenTelemetry's own tools print it. */
export type OtlpAttributes = readonly string[];

export interface OtlpResource {
  readonly attributes: OtlpAttributes;
}

export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: OtlpAttributes;
}

export type OtlpTemporality = 'unspecified' | 'delta' | 'cumulative';

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** `none`: the message has no data. */
  readonly kind: 'none' | 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary';
  /** `unspecified` for gauges and summaries, which have none. */
  readonly temporality: OtlpTemporality;
  readonly isMonotonic: boolean;
}

export interface OtlpExemplar {
  readonly attributes: OtlpAttributes;
  readonly timeMs: number;
  readonly value: number;
  /** Lower-case hex; empty where there is none. */
  readonly traceId: string;
  readonly spanId: string;
}

interface Point {
  readonly attributes: OtlpAttributes;
  readonly startTimeMs: number;
  readonly timeMs: number;
  /** The series has ended: there is no value. */
  readonly isStale: boolean;
}

export interface OtlpNumberPoint extends Point {
  readonly kind: 'number';
  readonly value: number;
  readonly exemplars: readonly OtlpExemplar[];
}

export interface OtlpHistogramPoint extends Point {
  readonly kind: 'histogram';
  readonly count: number;
  /** `undefined`: not recorded. */
  readonly sum: number | undefined;
  readonly bucketCounts: readonly number[];
  /** Upper bounds of all buckets but the last. */
  readonly bounds: readonly number[];
  readonly exemplars: readonly OtlpExemplar[];
}

export interface OtlpBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface OtlpExponentialPoint extends Point {
  readonly kind: 'exponential';
  readonly count: number;
  /** `undefined`: not recorded. */
  readonly sum: number | undefined;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: OtlpBuckets;
  readonly negative: OtlpBuckets;
  readonly exemplars: readonly OtlpExemplar[];
}

export interface OtlpSummaryPoint extends Point {
  readonly kind: 'summary';
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
}

export type OtlpPoint = OtlpNumberPoint | OtlpHistogramPoint | OtlpExponentialPoint | OtlpSummaryPoint;

/** Some points of one metric; a resource, a scope or a metric goes on while the object is the same. */
export interface OtlpPart {
  readonly resource: OtlpResource;
  readonly scope: OtlpScope;
  readonly metric: OtlpMetric;
  readonly points: readonly OtlpPoint[];
}

/** Most points of a part, so that who reads parts can give the event loop its turns. */
export const POINTS_PER_PART = 128;

export const TEMPORALITIES: readonly OtlpTemporality[] = ['unspecified', 'delta', 'cumulative'];
export const NO_RECORDED_VALUE = 1;
export const NO_BUCKETS: OtlpBuckets = { offset: 0, counts: [] };
