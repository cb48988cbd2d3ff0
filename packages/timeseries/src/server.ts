import { createEngine, type Engine, type EngineOptions } from '@opendata/promql';
import {
  BodyMemory,
  createHttpServer,
  HttpError,
  type HttpServer,
  type Logger,
  type QuickRoute,
  type RawRoute,
  type Readiness,
  type Registry,
  type RunningServer,
  reloadAndLog,
  type WebAccess,
} from '@opendata/server';
import { loadSlateSettings, openStorage, type Storage } from '@opendata/storage';
import { TimeSeriesDb } from './db.ts';
import { turns } from './head/turns.ts';
import { growHeapForQueries } from './heap-limits.ts';
import { addAdminRoutes } from './http/admin-routes.ts';
import { addApiRoute } from './http/api-route.ts';
import { compileFromNowOn } from './http/compile-early.ts';
import { addCompression } from './http/compression.ts';
import { withoutSecrets } from './http/config-text.ts';
import { addCors } from './http/cors.ts';
import { directRoutes } from './http/direct-routes.ts';
import { addExemplarRoutes } from './http/exemplar-routes.ts';
import { addExpressionRoutes } from './http/expression-routes.ts';
import { addFeatureRoutes } from './http/feature-routes.ts';
import { addFederateRoute } from './http/federate-route.ts';
import { addImportRoutes } from './http/import-routes.ts';
import { labelRoutes } from './http/label-routes.ts';
import { addLifecycleRoutes } from './http/lifecycle-routes.ts';
import { OTLP_PATHS, otlpRoutes, renderOtlpError } from './http/otlp-route.ts';
import { renderApiError, timeSeriesProblem } from './http/problems.ts';
import { queryRoutes } from './http/query-routes.ts';
import { quickApiRoutes } from './http/quick-api-routes.ts';
import { addRefusedFlush, refusedWrites } from './http/refused-writes.ts';
import { addRunningRoutes } from './http/running-routes.ts';
import { addStatusRoutes } from './http/status-routes.ts';
import { addTargetMetadataRoute } from './http/target-metadata-route.ts';
import { addTargetRoutes } from './http/target-routes.ts';
import { remoteWriteRoutes } from './http/write-route.ts';
import { journalTableBytes } from './journal-table.ts';
import { databaseMetrics, otlpMetrics } from './metrics.ts';
import type { TimeSeriesConfig } from './model/config.ts';
import { createOtlpReceiver } from './otlp/receiver.ts';
import { PROGRAM } from './program.ts';
import type { TimeSeriesReading } from './read/reading.ts';
import type { Reloader } from './reload.ts';
import { type FollowedReads, followAll } from './replica/replica-union.ts';
import { type ScrapeManager, startScraping } from './scrape/scrape-manager.ts';
import { shortTurns, warmUpWhenIdle } from './warm-up/warm-up.ts';

/** Share of the time to stop that requests in flight get; the rest is for the flush. */
const DRAIN_SHARE = 0.5;
const DEFAULT_LOOKBACK_MS = 300_000;
/** Eight senders of 2,000 samples each take 3 to 4 ms to write again. */
const GATHER_MS = 8;
/** A server that was asked something within this time may take more memory for the next answers. */
const QUERIED_MS = 60_000;

export interface TimeSeriesServerOptions {
  readonly config: TimeSeriesConfig;
  readonly port: number;
  readonly host?: string;
  /** TLS and authentication. */
  readonly web?: WebAccess | undefined;
  readonly version: string;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  /** Limits of queries. */
  readonly query?: Omit<EngineOptions, 'delayedNameRemoval'>;
  /** Values of the command line by flag, for `/api/v1/status/flags`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Reads the configuration file again. */
  readonly reloader?: Reloader;
  /** `/-/reload` and `/-/quit` are answered. */
  readonly lifecycleApi?: boolean;
  /** Called when the database is lost for good. */
  readonly fatal: (error: unknown) => void;
}

export interface TimeSeriesServer extends RunningServer {
  /** What it listens on: `::` for every address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Listens, opens the database and serves it, then scrapes. Until the database is open, the server answers that it is
 * alive but not ready; where it cannot listen, the storage is not touched, and so not taken from whoever has it.
 * @throws StorageError, JournalEntryError
 */
export async function startTimeSeriesServer(options: TimeSeriesServerOptions): Promise<TimeSeriesServer> {
  if (options.config.isReadOnly) return startReplicaServer(options);
  const { config, registry, logger, version } = options;
  let opened: OpenedDatabase | undefined;
  let scraping: ScrapeManager | undefined;
  const reload = async (): Promise<void> => {
    const manager = scraping;
    if (manager === undefined) throw new Error('the server is starting');
    await options.reloader?.reload(({ scrapeJobs }) => manager.apply(scrapeJobs));
  };
  const database = (): TimeSeriesDb => {
    if (opened === undefined) throw notServed('the server is starting');
    return opened.db;
  };
  const bodyMemory = new BodyMemory(config.bodyMemoryBytes);
  const http = createApi(options, {
    database,
    bodyMemory,
    writes: writeRoutes(options, database, bodyMemory),
    readiness: () => storageReadiness(opened?.storage),
    defaultRetentionMs: () => opened?.storage.defaultTtlMs,
    scraping: () => scraping,
    reload,
  });
  addAdminRoutes(http.app, database);
  void addImportRoutes(http.app, database);
  const { address, port } = await http.listen(options.port, options.host);
  try {
    opened = await openServed(options);
  } catch (error) {
    await http.close(0).catch(() => undefined);
    throw error;
  }
  const { db } = opened;
  growHeapForQueries(() => db.isReadWithin(QUERIED_MS));
  const scrapes = startScraping({ jobs: config.scrapeJobs, store: db, registry, logger, version });
  scraping = scrapes;
  const endWarmUp = warmUpQueries(options);
  return {
    address,
    port,
    reload,
    async close(deadlineMs) {
      const startedMs = performance.now();
      endWarmUp();
      await scrapes.stop();
      const brokenOff = await http.close(deadlineMs * DRAIN_SHARE);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      logger.info({ elapsedMs: Math.round(performance.now() - startedMs) }, 'no more requests');
      await db.close();
    },
  };
}

/** Listens, and follows the writer's database: it does not scrape, and refuses writes. */
async function startReplicaServer(options: TimeSeriesServerOptions): Promise<TimeSeriesServer> {
  const { config, registry, logger, fatal } = options;
  let replica: FollowedReads | undefined;
  const reload = async (): Promise<void> => options.reloader?.reload(async () => undefined);
  const http = createApi(options, {
    database() {
      if (replica?.isCaughtUp !== true) throw notServed(replica?.health().detail ?? 'the server is starting');
      return replica;
    },
    bodyMemory: new BodyMemory(config.bodyMemoryBytes),
    writes: { raw: refusedWrites, quick: [] },
    readiness: () => storageReadiness(replica),
    defaultRetentionMs: () => loadSlateSettings(config.storage.settings_path).defaultTtlMs,
    scraping: () => undefined,
    reload,
  });
  addRefusedFlush(http.app);
  const { address, port } = await http.listen(options.port, options.host);
  if (config.scrapeJobs.length > 0) logger.info({}, 'scrape_configs is not used: the server is read-only');
  const { storage, refreshMs, retentionMs } = config;
  const followed = followAll({ storage, logger, refreshMs, retentionMs, onFatal: fatal }, config.replicaPaths);
  replica = followed;
  registry.addCollector(() => [
    ...followed.storageMetrics(),
    ...(followed.isCaughtUp ? databaseMetrics(followed) : []),
  ]);
  const endWarmUp = warmUpQueries(options);
  return {
    address,
    port,
    reload,
    async close(deadlineMs) {
      endWarmUp();
      const brokenOff = await http.close(deadlineMs * DRAIN_SHARE);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      await followed.close();
    },
  };
}

function notServed(reason: string): HttpError {
  return new HttpError(503, reason, { code: 'unavailable', retryAfterSeconds: 1 });
}

interface OpenedDatabase {
  readonly storage: Storage;
  readonly db: TimeSeriesDb;
}

async function openServed({ config, logger, registry, fatal }: TimeSeriesServerOptions): Promise<OpenedDatabase> {
  const storage = await openStorage(config.storage, {
    logger,
    program: PROGRAM,
    idleCommitMs: config.flushIntervalMs,
    tableBytes: journalTableBytes(config.headBudgetBytes),
    gatherMs: GATHER_MS,
  });
  try {
    storage.onFatal(fatal);
    registry.addCollector(() => storage.metrics());
    const db = await TimeSeriesDb.open({
      storage,
      logger,
      retentionMs: config.retentionMs,
      retentionBytes: config.retentionBytes,
      windowMs: config.windowMs,
      graceMs: config.graceMs,
      headBudgetBytes: config.headBudgetBytes,
      maxSeries: config.maxSeries,
      seriesIdleMs: config.seriesIdleMs,
      maxRequestBytes: config.remoteWriteBodyLimitBytes,
    });
    registry.addCollector(() => databaseMetrics(db));
    return { storage, db };
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

interface WriteRoutes {
  readonly raw: readonly RawRoute[];
  readonly quick: readonly QuickRoute[];
}

/** Remote write and OTLP. */
function writeRoutes(
  { config, registry }: TimeSeriesServerOptions,
  database: () => TimeSeriesDb,
  bodyMemory: BodyMemory,
): WriteRoutes {
  const remoteWrite = remoteWriteRoutes({
    database,
    ack: config.remoteWriteAck,
    bodyLimitBytes: config.remoteWriteBodyLimitBytes,
    bodyMemory,
    ingested: registry.counter({
      name: 'remote_write_samples_ingested_total',
      help: 'Samples ingested via remote write.',
    }),
    failed: registry.counter({
      name: 'remote_write_samples_failed_total',
      help: 'Samples that failed remote write ingestion.',
    }),
  });
  const receiver = createOtlpReceiver({ settings: config.otlp, now: Date.now });
  registry.addCollector(() => otlpMetrics(receiver));
  const otlp = otlpRoutes({
    database,
    receiver,
    ack: config.remoteWriteAck,
    bodyLimitBytes: config.remoteWriteBodyLimitBytes,
    bodyMemory,
    ingested: registry.counter({ name: 'otlp_data_points_ingested_total', help: 'Data points ingested via OTLP.' }),
    rejected: registry.counter({ name: 'otlp_data_points_rejected_total', help: 'Data points rejected via OTLP.' }),
  });
  return { raw: [remoteWrite.raw, ...otlp], quick: [remoteWrite.quick] };
}

interface Parts {
  /** @throws HttpError 503 until it is open */
  readonly database: () => TimeSeriesReading;
  readonly bodyMemory: BodyMemory;
  readonly writes: WriteRoutes;
  readonly readiness: () => Promise<Readiness>;
  readonly defaultRetentionMs: () => number | undefined;
  readonly scraping: () => ScrapeManager | undefined;
  readonly reload: () => Promise<void>;
}

function createApi(options: TimeSeriesServerOptions, parts: Parts): HttpServer {
  const { config, registry, logger, version } = options;
  const { database, scraping, reload } = parts;
  const engine = createQueryEngine(options);
  const source = () => {
    compileFromNowOn();
    return database();
  };
  const queries = queryRoutes({ engine, source, now: Date.now });
  const labels = labelRoutes(database);
  const http = createHttpServer({
    registry,
    logger,
    web: options.web,
    bodyMemory: parts.bodyMemory,
    ready: [options.readiness, parts.readiness],
    mapError: timeSeriesProblem,
    errorRenderers: {
      '/api/v1/': renderApiError,
      '/federate': renderApiError,
      ...Object.fromEntries(OTLP_PATHS.map((path) => [path, renderOtlpError])),
    },
    rawRoutes: [...parts.writes.raw, ...directRoutes([...queries, ...labels])],
    quickRoutes: [...parts.writes.quick, ...quickApiRoutes([...queries, ...labels])],
  });
  addCors(http.app);
  addCompression(http.app);
  for (const route of [...queries, ...labels]) addApiRoute(http.app, route);
  addRunningRoutes(http.app, engine);
  addExemplarRoutes(http.app, database);
  addExpressionRoutes(http.app);
  addTargetRoutes(http.app, scraping);
  addTargetMetadataRoute(http.app, scraping);
  const lifecycle = options.lifecycleApi ?? false;
  addFeatureRoutes(http.app, { lifecycle, isReadOnly: config.isReadOnly });
  addFederateRoute(http.app, {
    database,
    externalLabels: config.externalLabels,
    lookbackMs: options.query?.lookbackDeltaMs ?? DEFAULT_LOOKBACK_MS,
    now: Date.now,
  });
  addLifecycleRoutes(http.app, {
    enabled: lifecycle,
    reload: () => reloadAndLog(reload, logger),
    quit: () => process.kill(process.pid, 'SIGTERM'),
  });
  addStatusRoutes(http.app, {
    database,
    version,
    flags: options.flags ?? {},
    lastReload: () => options.reloader?.last(),
    configText: () => withoutSecrets(options.reloader?.text() ?? ''),
    retentionMs: () => config.retentionMs ?? parts.defaultRetentionMs(),
  });
  return http;
}

function createQueryEngine({ query }: TimeSeriesServerOptions, taken = turns): Engine {
  return createEngine({ delayedNameRemoval: false, turns: taken, ...query });
}

/** Warms up what answers queries. @returns what ends it */
function warmUpQueries(options: TimeSeriesServerOptions): () => void {
  return warmUpWhenIdle({
    logger: options.logger,
    routes(database) {
      const queries = queryRoutes({ engine: createQueryEngine(options, shortTurns), source: database, now: Date.now });
      const routes = [...queries, ...labelRoutes(database)];
      return { rawRoutes: directRoutes(routes), quickRoutes: quickApiRoutes(routes) };
    },
  });
}

async function storageReadiness(storage: Pick<Storage, 'health' | 'checkReadable'> | undefined): Promise<Readiness> {
  if (storage === undefined) return { ready: false, reason: 'the server is starting' };
  const { state, detail } = storage.health();
  if (state !== 'ok') return { ready: false, reason: detail };
  await storage.checkReadable();
  return { ready: true };
}
