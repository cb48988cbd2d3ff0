import { availableParallelism, hostname, totalmem } from 'node:os';
import { formatDuration } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import type { TimeSeriesReading } from '../read/reading.ts';
import type { LastReload } from '../reload.ts';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { badData } from './parameters.ts';

export interface StatusRouteOptions {
  readonly database: () => TimeSeriesReading;
  readonly version: string;
  /** Values of the command line by flag. */
  readonly flags: Readonly<Record<string, string>>;
  /** The configuration file as it is in use. */
  readonly configText: () => string;
  /** `undefined`: there is nothing to reload. */
  readonly lastReload?: () => LastReload | undefined;
  readonly retentionMs?: () => number | undefined;
}

const DEFAULT_TSDB_LIMIT = 10;
const MAX_TSDB_LIMIT = 10_000;

/** `/api/v1/metadata`, `/api/v1/status/…` and the page at `/`. */
export function addStatusRoutes(app: FastifyInstance, options: StatusRouteOptions): void {
  const { database, version } = options;
  const startedAt = new Date();
  app.get('/', (_request, reply) => {
    reply.type('text/plain; charset=utf-8').send(welcomePage(version));
  });
  const routes: Record<string, () => unknown> = {
    '/status/buildinfo': () => {
      const goVersion = '';
      return { version, revision: '', branch: '', buildUser: '', buildDate: '', goVersion };
    },
    '/status/runtimeinfo': () => runtimeInfo(startedAt, options.lastReload?.(), options.retentionMs?.()),
    '/status/flags': () => options.flags,
    '/status/config': () => ({ yaml: options.configText() }),
  };
  for (const [path, data] of Object.entries(routes)) {
    addApiRoute(app, {
      methods: ['GET'],
      path,
      handler: (_parameters, reply) => sendJson(reply, dataResponse(data())),
    });
  }
  addApiRoute(app, {
    methods: ['GET'],
    path: '/status/tsdb',
    async handler(parameters, reply) {
      const limit = parameters.text('limit') === '' ? DEFAULT_TSDB_LIMIT : Number(parameters.text('limit'));
      if (!Number.isInteger(limit) || limit < 1) throw badData('limit must be a positive number');
      if (limit > MAX_TSDB_LIMIT) throw badData(`limit must not exceed ${MAX_TSDB_LIMIT}`);
      return sendJson(reply, dataResponse(await tsdbStatus(database(), limit)));
    },
  });
  addApiRoute(app, {
    methods: ['GET'],
    path: '/metadata',
    handler(parameters, reply) {
      const limit = parameters.number('limit') ?? -1;
      const perMetric = parameters.number('limit_per_metric') ?? -1;
      const metric = parameters.text('metric');
      const data: Record<string, unknown> = Object.create(null);
      let count = 0;
      for (const [family, entries] of database().metadata.entries()) {
        if (metric !== '' && family !== metric) continue;
        if (limit >= 0 && count >= limit) break;
        data[family] = perMetric > 0 ? entries.slice(0, perMetric) : entries;
        count++;
      }
      return sendJson(reply, dataResponse(data));
    },
  });
}

async function tsdbStatus(db: TimeSeriesReading, limit: number): Promise<object> {
  const { series, chunks, blocks, blockBytes, blockSamples, sealing } = db.stats();
  const { labelPairs, seriesByMetric, valuesByLabel, bytesByLabel, seriesByPair } = await db.cardinality(limit);
  const { minMs, maxMs } = db.headTimes();
  const newest = await db.newestBlockCardinality(limit);
  return {
    headStats: { numSeries: series, numLabelPairs: labelPairs, chunkCount: chunks, minTime: minMs, maxTime: maxMs },
    seriesCountByMetricName: seriesByMetric,
    labelValueCountByLabelName: valuesByLabel,
    memoryInBytesByLabelName: bytesByLabel,
    seriesCountByLabelValuePair: seriesByPair,
    blockStats: {
      numBlocks: blocks,
      numSamples: blockSamples,
      sizeBytes: blockBytes,
      bytesPerSample: blockSamples === 0 ? 0 : blockBytes / blockSamples,
      ...sealing,
      newest: newest && {
        minTime: newest.minMs,
        maxTime: newest.maxMs,
        numSeries: newest.series,
        numLabelPairs: newest.labelPairs,
        seriesCountByMetricName: newest.seriesByMetric,
        labelValueCountByLabelName: newest.valuesByLabel,
        seriesCountByLabelValuePair: newest.seriesByPair,
      },
    },
  };
}

function runtimeInfo(startedAt: Date, lastReload: LastReload | undefined, retentionMs: number | undefined): object {
  const { isSuccessful = true, succeededAtMs = startedAt.getTime() } = lastReload ?? {};
  return {
    startTime: startedAt.toISOString(),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: new Date().toISOString(),
    reloadConfigSuccess: isSuccessful,
    lastConfigTime: new Date(succeededAtMs).toISOString(),
    corruptionCount: 0,
    // What tells of Go's runtime has no counterpart here.
    goroutineCount: 0,
    GOMAXPROCS: availableParallelism(),
    GOMEMLIMIT: Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
    GOGC: '',
    GODEBUG: '',
    storageRetention: retentionMs === undefined ? '' : formatDuration(retentionMs),
  };
}

function welcomePage(version: string): string {
  return `opendata-timeseries ${version}

Prometheus' HTTP API is at /api/v1, for example:

  /api/v1/query?query=up
  /api/v1/label/__name__/values
  /api/v1/targets

Remote write goes to /api/v1/write. Health: /-/ready, /-/healthy. Own metrics: /metrics.
`;
}
