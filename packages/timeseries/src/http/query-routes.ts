import {
  type Engine,
  isQueryError,
  type QueryOptions,
  type QueryResult,
  type QueryStats,
  quote,
  type SeriesSource,
} from '@opendata/promql';
import { HttpError, requestController } from '@opendata/server';
import type { ApiReply, ApiRoute } from './api-route.ts';
import { formatNoPositiveDuration } from './go-duration.ts';
import { sendPieces, writeQueryResponse } from './json-writer.ts';
import { badData, invalid, type Parameters, parseDurationMs } from './parameters.ts';

const MAX_POINTS = 11_000;
/** Shorter steps and timeouts are none. */
const NANOSECOND_MS = 1e-6;
const TRUNCATED = 'results truncated due to limit';

export interface QueryRouteOptions {
  readonly engine: Engine;
  readonly source: () => SeriesSource;
  readonly now: () => number;
}

/** `/api/v1/query` and `/api/v1/query_range`. */
export function queryRoutes({ engine, source, now }: QueryRouteOptions): ApiRoute[] {
  const instant: ApiRoute = {
    methods: ['GET', 'POST'],
    path: '/query',
    async handler(parameters, reply) {
      const limit = parameters.limit();
      const timeMs = parameters.time('time', now());
      const options = queryOptions(parameters, reply);
      const result = await run(options, () => engine.instant(source(), parameters.text('query'), timeMs, options));
      return answer(reply, result, limit, parameters.text('stats'), { startMs: timeMs, stepMs: 0 });
    },
  };
  const range: ApiRoute = {
    methods: ['GET', 'POST'],
    path: '/query_range',
    async handler(parameters, reply) {
      const limit = parameters.limit();
      const startMs = parameters.time('start');
      const endMs = parameters.time('end');
      if (endMs < startMs) throw invalid('end', 'end timestamp must not be before start time');
      const exactStepMs = parameters.duration('step');
      const stepMs = Math.trunc(exactStepMs);
      const isTooMany = exactStepMs >= NANOSECOND_MS && Math.floor((endMs - startMs) / exactStepMs) > MAX_POINTS;
      if (stepMs <= 0 && !isTooMany) {
        throw invalid('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
      }
      if (isTooMany) {
        throw badData(
          'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
        );
      }
      const options = queryOptions(parameters, reply);
      const query = parameters.text('query');
      const result = await run(options, () => engine.range(source(), query, startMs, endMs, stepMs, options));
      return answer(reply, result, limit, parameters.text('stats'), { startMs, stepMs });
    },
  };
  return [instant, range];
}

/** When the steps of a query are. */
interface StepTimes {
  readonly startMs: number;
  readonly stepMs: number;
}

function queryOptions(parameters: Parameters, reply: ApiReply): QueryOptions {
  const timeoutMs = parameters.optionalDuration('timeout');
  if (timeoutMs !== undefined && timeoutMs < NANOSECOND_MS) {
    throw invalid('timeout', `timeout must be positive, got ${formatNoPositiveDuration(timeoutMs)}`);
  }
  const lookback = parameters.text('lookback_delta');
  const lookbackDeltaMs =
    lookback === ''
      ? undefined
      : parseDurationMs(lookback, (message) => badData(`error parsing lookback delta duration: ${message}`));
  return {
    controller: requestController(reply),
    stats: parameters.text('stats') !== '',
    explain: parameters.text('explain') === 'true',
    trace: parameters.text('trace') === 'true',
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(lookbackDeltaMs !== undefined && lookbackDeltaMs > 0 && { lookbackDeltaMs }),
  };
}

/** Runs a query; its failures become Prometheus' statuses. */
async function run({ controller }: QueryOptions, query: () => Promise<QueryResult>): Promise<QueryResult> {
  try {
    return await query();
  } catch (error) {
    if (!isQueryError(error)) throw error;
    // The server stops, and says so.
    if (error.kind === 'canceled' && controller?.signal.reason instanceof HttpError) {
      throw controller.signal.reason;
    }
    if (error.kind === 'bad_data') throw invalid('query', error.message);
    const retryAfterSeconds = error.kind === 'unavailable' ? RETRY_AFTER_SECONDS : undefined;
    throw new HttpError(STATUS[error.kind], error.message, { code: error.kind, retryAfterSeconds });
  }
}

const STATUS = { execution: 422, canceled: 499, timeout: 503, internal: 500, unavailable: 503 } as const;
const RETRY_AFTER_SECONDS = 1;

async function answer(
  reply: ApiReply,
  result: QueryResult,
  limit: number,
  stats: string,
  times: StepTimes,
): Promise<ApiReply> {
  const isTruncated =
    limit > 0 && (result.type === 'vector' || result.type === 'matrix') && result.value.length > limit;
  const kept = isTruncated ? ({ ...result, value: result.value.slice(0, limit) } as QueryResult) : result;
  const warnings = isTruncated ? [TRUNCATED] : [];
  if (stats !== '' && stats !== 'true' && stats !== 'all') warnings.push(deprecatedStats(stats));
  const pieces = writeQueryResponse(kept, {
    warnings,
    stats: stats === '' ? undefined : statsJson(result.stats, times, stats === 'all'),
    plan: result.plan && JSON.stringify(result.plan),
  });
  return await sendPieces(reply, pieces, resultBytes(kept));
}

/** About what a series and a histogram of a result take in memory. */
const SERIES_BYTES = 256;
const HISTOGRAM_BYTES = 512;

/** About what a result takes in memory. */
function resultBytes(result: QueryResult): number {
  if (result.type === 'vector') return result.value.length * SERIES_BYTES;
  if (result.type !== 'matrix') return 0;
  let bytes = result.value.length * SERIES_BYTES;
  let shared: Float64Array | undefined;
  for (const { timestamps, values, histograms } of result.value) {
    bytes += values.byteLength + (histograms?.length ?? 0) * HISTOGRAM_BYTES;
    if (timestamps !== shared) bytes += timestamps.byteLength;
    shared = timestamps;
  }
  return bytes;
}

function deprecatedStats(value: string): string {
  const name = quote('stats');
  return `value ${quote(value)} for parameter ${name} is deprecated and will be rejected in the next major release, use "true" or "all"`;
}

/** Statistics in Prometheus' shape, with those by step where all were asked for. */
function statsJson(stats: QueryStats, grid: StepTimes, bySteps: boolean): string {
  const { queueMs, preparationMs, evaluationMs, sortMs, durationMs, peakSamples, samples } = stats;
  const { queryable, read, touched } = samples ?? {
    queryable: new Float64Array(0),
    read: new Float64Array(0),
    touched: 0,
  };
  const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);
  const steps = (counts: Float64Array) =>
    Array.from(counts, (count, i) => [(grid.startMs + i * grid.stepMs) / 1000, count]);
  return JSON.stringify({
    timings: {
      evalTotalTime: (preparationMs + evaluationMs + sortMs) / 1000,
      resultSortTime: sortMs / 1000,
      queryPreparationTime: preparationMs / 1000,
      innerEvalTime: evaluationMs / 1000,
      execQueueTime: queueMs / 1000,
      execTotalTime: durationMs / 1000,
    },
    samples: {
      ...(bySteps && { totalQueryableSamplesPerStep: steps(queryable) }),
      totalQueryableSamples: total(queryable),
      ...(bySteps && { samplesReadPerStep: steps(read) }),
      samplesRead: total(read),
      seriesTouched: touched,
      peakSamples,
    },
  });
}
