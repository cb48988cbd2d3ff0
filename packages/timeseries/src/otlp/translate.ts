import { METRIC_NAME } from '@opendata/promql';
import type {
  FamilyMetadata,
  OtlpExponentialPoint,
  OtlpHistogramPoint,
  OtlpMetric,
  OtlpNumberPoint,
  OtlpPart,
  OtlpPoint,
  OtlpResource,
  OtlpScope,
  OtlpSummaryPoint,
} from '@opendata/wire';
import { checkHistogram } from '../head/check-histogram.ts';
import { InvalidSampleError, InvalidSeriesError } from '../head/errors.ts';
import { startMsOf } from '../ingest/request-extras.ts';
import type { DeltaRequest } from './delta-counters.ts';
import { exemplarOf } from './exemplars.ts';
import { type OwnerLabels, ownerLabels, pointLabels, siblingLabels, targetInfoLabels } from './labels.ts';
import { metricName, OtlpNameError } from './names.ts';
import { customBucketsHistogram, exponentialHistogram } from './native-histograms.ts';
import type { SampleSink } from './sample-sink.ts';
import type { OtlpSettings } from './settings.ts';
import { TargetInfoTimes } from './target-info-times.ts';

export interface TranslatorOptions {
  readonly settings: OtlpSettings;
  readonly sink: SampleSink;
  readonly deltas: DeltaRequest;
}

/** Most different reasons that an answer names. */
const MAX_REASONS = 10;

/** Turns the parts of one request into samples. Points that cannot be stored are counted, with the reasons. */
export class Translator {
  readonly #options: TranslatorOptions;
  readonly #metadata = new Map<string, FamilyMetadata>();
  readonly #reasons = new Map<string, number>();
  #resource: OtlpResource | undefined;
  #scope: OtlpScope | undefined;
  #metric: OtlpMetric | undefined;
  #owner: OwnerLabels | undefined;
  #name = '';
  readonly #infoTimes: TargetInfoTimes;
  #points = 0;
  #rejected = 0;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#infoTimes = new TargetInfoTimes(options.settings.targetInfoStepMs);
  }

  get points(): number {
    return this.#points;
  }

  /** Points that cannot be stored. */
  get rejected(): number {
    return this.#rejected;
  }

  get metadata(): FamilyMetadata[] {
    return [...this.#metadata.values()];
  }

  /** Why points were rejected; empty where none was. */
  get message(): string {
    const reasons = [...this.#reasons].map(([reason, points]) =>
      points > 1 ? `${reason} (${points} points)` : reason,
    );
    if (reasons.length === MAX_REASONS) reasons.push('and more');
    return reasons.join('; ');
  }

  /** Takes the next part of the request. */
  add({ resource, scope, metric, points }: OtlpPart): void {
    if (resource !== this.#resource) this.endResource();
    this.#points += points.length;
    try {
      this.#enter(resource, scope, metric);
    } catch (error) {
      this.#reject(error, points.length);
      return;
    }
    if (points.length === 0) return;
    const needsTemporality = metric.kind === 'sum' || metric.kind === 'histogram' || metric.kind === 'exponential';
    if (needsTemporality && metric.temporality === 'unspecified') {
      this.#rejectAs(`invalid temporality and type combination for metric "${metric.name}"`, points.length);
      return;
    }
    for (const point of points) {
      try {
        this.#point(point);
        this.#infoTimes.add(point.timeMs);
      } catch (error) {
        this.#reject(error, 1);
      }
    }
  }

  /** Writes `target_info` for the resource whose parts are all taken. */
  endResource(): void {
    const resource = this.#resource;
    const times = this.#infoTimes.take();
    this.#resource = undefined;
    if (resource === undefined || times.length === 0) return;
    const { settings, sink } = this.#options;
    try {
      const owner = ownerLabels(resource, undefined, settings);
      const labels = targetInfoLabels(resource, owner, settings);
      if (labels === undefined) return;
      const series = sink.series(labels);
      for (const timeMs of times) sink.add(series, timeMs, 1);
      const family = labels[labels.indexOf(METRIC_NAME) + 1]!;
      this.#metadata.set(family, { family, type: 'gauge', help: 'Target metadata', unit: '' });
    } catch (error) {
      this.#reject(error, 0);
    }
  }

  #enter(resource: OtlpResource, scope: OtlpScope, metric: OtlpMetric): void {
    const { settings } = this.#options;
    if (resource !== this.#resource || scope !== this.#scope) {
      this.#owner = undefined;
      this.#resource = resource;
      this.#scope = scope;
      this.#metric = undefined;
    }
    this.#owner ??= ownerLabels(resource, scope, settings);
    if (metric === this.#metric) return;
    this.#metric = undefined;
    this.#name = metricName(metric, settings);
    this.#metric = metric;
    const { description: help, unit } = metric;
    this.#metadata.set(this.#name, { family: this.#name, type: metadataType(metric), help, unit });
  }

  #point(point: OtlpPoint): void {
    if (point.timeMs === 0) throw new InvalidSampleError(`a point of metric "${this.#metric!.name}" has no time`);
    this.#options.sink.checkTime(point.timeMs);
    const labels = pointLabels(point.attributes, this.#owner!, this.#name, this.#options.settings);
    if (point.kind === 'number') this.#number(point, labels);
    else if (point.kind === 'exponential') this.#exponential(point, labels);
    else if (point.kind === 'summary') this.#summary(point, labels);
    else if (this.#options.settings.convertsHistograms) this.#customBuckets(point, labels);
    else this.#histogram(point, labels);
  }

  #number(point: OtlpNumberPoint, labels: string[]): void {
    const { sink, deltas } = this.#options;
    const key = this.#deltaKey(labels, point.isStale);
    const value = key === undefined || point.isStale ? point.value : deltas.number(key, point);
    const series = sink.series(labels);
    this.#value(series, point, value);
    for (const exemplar of point.exemplars) sink.addExemplar(series, exemplarOf(exemplar, point.timeMs));
  }

  #histogram(given: OtlpHistogramPoint, labels: string[]): void {
    const { sink } = this.#options;
    const point = this.#totals(given, labels);
    const { bounds, bucketCounts } = point;
    const name = this.#name;
    if (point.sum !== undefined) this.#value(sink.series(siblingLabels(labels, `${name}_sum`)), point, point.sum);
    this.#value(sink.series(siblingLabels(labels, `${name}_count`)), point, point.count);
    const exemplars = [...point.exemplars];
    let cumulative = 0;
    for (let i = 0; i <= bounds.length; i++) {
      const isLast = i === bounds.length;
      if (!isLast && i >= bucketCounts.length) continue;
      const bound = isLast ? Number.POSITIVE_INFINITY : bounds[i]!;
      if (!isLast && bound === Number.POSITIVE_INFINITY) continue;
      cumulative += bucketCounts[i] ?? 0;
      const series = sink.series(siblingLabels(labels, `${name}_bucket`, ['le', boundText(bound)]));
      this.#value(series, point, isLast ? point.count : cumulative);
      for (let at = 0; at < exemplars.length; ) {
        if (exemplars[at]!.value <= bound || isLast) {
          sink.addExemplar(series, exemplarOf(exemplars[at]!, point.timeMs));
          exemplars.splice(at, 1);
        } else at++;
      }
    }
  }

  #customBuckets(given: OtlpHistogramPoint, labels: string[]): void {
    const { sink } = this.#options;
    const point = this.#totals(given, labels);
    const histogram = customBucketsHistogram(point);
    checkHistogram(histogram, false);
    const series = sink.series(labels);
    if (point.isStale) sink.addStale(series, point.timeMs);
    else sink.addHistogram(series, point.timeMs, histogram, this.#startMs(point));
    for (const exemplar of point.exemplars) sink.addExemplar(series, exemplarOf(exemplar, point.timeMs));
  }

  /** The point with what was counted since the start of the series. */
  #totals(point: OtlpHistogramPoint, labels: string[]): OtlpHistogramPoint {
    const { deltas } = this.#options;
    const key = this.#deltaKey(labels, point.isStale);
    return key === undefined || point.isStale ? point : { ...point, ...deltas.buckets(key, point) };
  }

  #exponential(point: OtlpExponentialPoint, labels: string[]): void {
    const { sink, deltas } = this.#options;
    const key = this.#deltaKey(labels, point.isStale);
    if (point.isStale) {
      sink.addStale(sink.series(labels), point.timeMs);
      return;
    }
    const own = exponentialHistogram(point);
    checkHistogram(own, false);
    const histogram = key === undefined ? own : deltas.histogram(key, point, own);
    const series = sink.series(labels);
    sink.addHistogram(series, point.timeMs, histogram, this.#startMs(point));
    for (const exemplar of point.exemplars) sink.addExemplar(series, exemplarOf(exemplar, point.timeMs));
  }

  #summary(point: OtlpSummaryPoint, labels: string[]): void {
    const { sink } = this.#options;
    const name = this.#name;
    this.#value(sink.series(siblingLabels(labels, `${name}_sum`)), point, point.sum);
    this.#value(sink.series(siblingLabels(labels, `${name}_count`)), point, point.count);
    for (const { quantile, value } of point.quantiles) {
      const series = sink.series(siblingLabels(labels, name, ['quantile', boundText(quantile)]));
      this.#value(series, point, value);
    }
  }

  #value(series: number, point: OtlpPoint, value: number): void {
    const { timeMs, isStale } = point;
    if (isStale) this.#options.sink.addStale(series, timeMs);
    else this.#options.sink.add(series, timeMs, value, this.#startMs(point));
  }

  /** When the point's counter began to count; 0 for gauges, and where deltas are added up here. */
  #startMs({ startTimeMs }: OtlpPoint): number {
    const { kind, isMonotonic, temporality } = this.#metric!;
    const isCounter = kind === 'sum' ? isMonotonic : kind !== 'gauge';
    return isCounter && temporality !== 'delta' ? startMsOf(startTimeMs) : 0;
  }

  /** What the point's counter is known by; `undefined` where the point has no delta temporality. */
  #deltaKey(labels: readonly string[], isStale: boolean): string | undefined {
    if (this.#metric!.temporality !== 'delta') return undefined;
    const key = JSON.stringify(labels);
    if (isStale) this.#options.deltas.forget(key);
    return key;
  }

  #reject(error: unknown, points: number): void {
    const isOfPoint =
      error instanceof OtlpNameError || error instanceof InvalidSampleError || error instanceof InvalidSeriesError;
    if (!isOfPoint) throw error;
    this.#rejectAs(error.message, points);
  }

  #rejectAs(reason: string, points: number): void {
    this.#rejected += points;
    const known = this.#reasons.get(reason);
    if (known !== undefined || this.#reasons.size < MAX_REASONS) this.#reasons.set(reason, (known ?? 0) + points);
  }
}

function metadataType({ kind, isMonotonic }: OtlpMetric): FamilyMetadata['type'] {
  if (kind === 'sum') return isMonotonic ? 'counter' : 'gauge';
  if (kind === 'histogram' || kind === 'exponential') return 'histogram';
  return kind === 'none' ? 'unknown' : kind;
}

/** A bound as Prometheus writes it in a label: without an exponent. */
function boundText(bound: number): string {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf';
  if (bound === Number.NEGATIVE_INFINITY) return '-Inf';
  const text = String(bound);
  return /e/.test(text) ? plainDecimal(text) : text;
}

/** `1.5e-7` as `0.00000015`. */
function plainDecimal(text: string): string {
  const [, sign, whole, fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text)!;
  const digits = whole! + fraction;
  const point = whole!.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
