import type { SeriesSource } from '@opendata/promql';
import {
  type Engine,
  type FloatHistogram,
  isQueryError,
  type Labels,
  labelsFromEntries,
  type QueryResult,
} from '@opendata/promql';
import { bucketList } from '../../packages/promql/src/histogram/bucket-list.ts';

export type QueryTimes =
  | { readonly kind: 'instant'; readonly timeMs: number }
  | { readonly kind: 'range'; readonly startMs: number; readonly endMs: number; readonly stepMs: number };

/**
 * A histogram as the HTTP API shows it: buckets that have observations, not merged. Without buckets of NaN: whether an
 * empty one was there to become that depends on what else is in Prometheus' chunk.
 */
export interface ShownHistogram {
  readonly count: number;
  readonly sum: number;
  /** Kind of bounds (0 open left, 1 open right, 2 open both, 3 closed both), lower, upper, count. */
  readonly buckets: readonly (readonly [number, number, number, number])[];
}

export interface AnswerSeries {
  readonly labels: Labels;
  readonly timestamps: readonly number[];
  readonly values: readonly (number | ShownHistogram)[];
}

/** What a query came to, in a form that answers from everywhere can be brought to. */
export type Answer =
  | {
      readonly error: string;
      readonly errorKind: string;
      /** Messages that are as right as the one given. */
      readonly others?: readonly string[];
    }
  | {
      readonly type: string;
      readonly series: readonly AnswerSeries[];
      readonly warnings: readonly string[];
      readonly infos: readonly string[];
    };

type JsonSample = [number, string];
interface JsonHistogram {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}
interface JsonSeries {
  metric: Record<string, string>;
  value?: JsonSample;
  values?: JsonSample[];
  histogram?: [number, JsonHistogram];
  histograms?: [number, JsonHistogram][];
}
/** The envelope of Prometheus' HTTP API. */
export interface JsonAnswer {
  status: string;
  errorType?: string;
  error?: string;
  warnings?: string[];
  infos?: string[];
  data?: { resultType: string; result: unknown };
}

/** The answer of Prometheus' HTTP API. */
export function answerOfJson(json: JsonAnswer): Answer {
  if (json.status !== 'success') {
    return { errorKind: json.errorType ?? '', error: (json.error ?? '').replace(/^invalid parameter "query": /, '') };
  }
  const { resultType, result } = json.data!;
  const notes = { warnings: json.warnings ?? [], infos: json.infos ?? [] };
  if (resultType === 'scalar' || resultType === 'string') {
    const [time, value] = result as JsonSample;
    return { ...notes, type: resultType, series: [{ labels: [], timestamps: [toMs(time)], values: [toFloat(value)] }] };
  }
  const series = (result as JsonSeries[]).map((one) => {
    const points: [number, number | ShownHistogram][] = [];
    for (const [time, value] of one.value ? [one.value] : (one.values ?? [])) points.push([toMs(time), toFloat(value)]);
    for (const [time, value] of one.histogram ? [one.histogram] : (one.histograms ?? []))
      points.push([toMs(time), shownOfJson(value)]);
    points.sort((a, b) => a[0] - b[0]);
    return {
      labels: labelsFromEntries(Object.entries(one.metric)),
      timestamps: points.map(([time]) => time),
      values: points.map(([, value]) => value),
    };
  });
  return { ...notes, type: resultType, series };
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function toFloat(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function shownOfJson({ count, sum, buckets = [] }: JsonHistogram): ShownHistogram {
  return {
    count: toFloat(count),
    sum: toFloat(sum),
    buckets: buckets
      .map(([kind, lower, upper, n]) => [kind, toFloat(lower), toFloat(upper), toFloat(n)] as const)
      .filter(([, , , n]) => !Number.isNaN(n)),
  };
}

function shown(histogram: FloatHistogram): ShownHistogram {
  const buckets = bucketList(histogram)
    .filter(({ lower, upper, count }) => count > 0 || (count < 0 && lower !== -upper))
    .map(({ lower, upper, lowerInclusive, upperInclusive, count }) => {
      const kind = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
      return [kind, lower, upper, count] as const;
    });
  return { count: histogram.count, sum: histogram.sum, buckets };
}

/** Asks an engine. */
export async function askEngine(
  engine: Engine,
  source: SeriesSource,
  query: string,
  times: QueryTimes,
): Promise<Answer> {
  try {
    const result =
      times.kind === 'instant'
        ? await engine.instant(source, query, times.timeMs)
        : await engine.range(source, query, times.startMs, times.endMs, times.stepMs);
    return answerOfResult(result);
  } catch (error) {
    if (!isQueryError(error)) throw error;
    return {
      errorKind: error.kind,
      error:
        error.kind === 'internal'
          ? `${error.message}\n${String(error.cause instanceof Error ? error.cause.stack : '')}`
          : // JSON cannot have bytes that are no UTF-8, which we keep as lone surrogates.
            error.message.replace(/\p{Surrogate}/gu, '\ufffd'),
    };
  }
}

export function answerOfResult(result: QueryResult): Answer {
  const notes = { warnings: result.warnings, infos: result.infos };
  if (result.type === 'scalar' || result.type === 'string') {
    const value = Number(result.value);
    return { ...notes, type: result.type, series: [{ labels: [], timestamps: [result.timestampMs], values: [value] }] };
  }
  if (result.type === 'vector') {
    const series = result.value.map(({ labels, value, histogram }) => ({
      labels,
      timestamps: [result.timestampMs],
      values: [histogram === undefined ? value : shown(histogram)],
    }));
    return { ...notes, type: 'vector', series };
  }
  const series = result.value.map(({ labels, timestamps, values, histograms }) => ({
    labels,
    timestamps: [...timestamps],
    values: Array.from(values, (value, i) => (histograms?.[i] === undefined ? value : shown(histograms[i]))),
  }));
  return { ...notes, type: 'matrix', series };
}
