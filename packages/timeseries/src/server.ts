import { createEngine } from '@opendata/promql';
import { createHttpServer, type Logger, type Readiness, type Registry, type RunningServer } from '@opendata/server';
import { openStorage, type Storage } from '@opendata/storage';
import { TimeSeriesDb } from './db.ts';
import { addCors } from './http/cors.ts';
import { addLabelRoutes } from './http/label-routes.ts';
import { renderApiError, timeSeriesProblem } from './http/problems.ts';
import { addQueryRoutes } from './http/query-routes.ts';
import { addStatusRoutes } from './http/status-routes.ts';
import { writeRoute } from './http/write-route.ts';
import { databaseMetrics } from './metrics.ts';
import type { TimeSeriesConfig } from './model/config.ts';
import { type ScrapeManager, startScraping } from './scrape/scrape-manager.ts';

/** Share of the time to stop that requests in flight get; the rest is for the flush. */
const DRAIN_SHARE = 0.5;

export interface TimeSeriesServerOptions {
  readonly config: TimeSeriesConfig;
  readonly port: number;
  readonly host?: string;
  readonly version: string;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  /** Called when the database is lost for good. */
  readonly fatal: (error: unknown) => void;
}

export interface TimeSeriesServer extends RunningServer {
  readonly port: number;
}

/** Opens the database, serves it over HTTP and scrapes. @throws StorageError, JournalEntryError */
export async function startTimeSeriesServer(options: TimeSeriesServerOptions): Promise<TimeSeriesServer> {
  const { config, logger, registry } = options;
  const storage = await openStorage(config.storage, { logger, idleCommitMs: config.flushIntervalMs });
  try {
    storage.onFatal(options.fatal);
    registry.addCollector(() => storage.metrics());
    const db = await TimeSeriesDb.open({
      storage,
      logger,
      retentionMs: config.retentionMs,
      headBudgetBytes: config.headBudgetBytes,
      maxRequestBytes: config.remoteWriteBodyLimitBytes,
    });
    registry.addCollector(() => databaseMetrics(db));
    return await serve(options, storage, db);
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

async function serve(options: TimeSeriesServerOptions, storage: Storage, db: TimeSeriesDb): Promise<TimeSeriesServer> {
  const { config, registry, logger, version } = options;
  const ingested = registry.counter({
    name: 'remote_write_samples_ingested_total',
    help: 'Samples ingested via remote write.',
  });
  const failed = registry.counter({
    name: 'remote_write_samples_failed_total',
    help: 'Samples that failed remote write ingestion.',
  });
  const http = createHttpServer({
    registry,
    logger,
    ready: [options.readiness, () => storageReadiness(storage)],
    mapError: timeSeriesProblem,
    errorRenderers: { '/api/v1/': renderApiError },
    rawRoutes: [
      writeRoute({
        db,
        ack: config.remoteWriteAck,
        bodyLimitBytes: config.remoteWriteBodyLimitBytes,
        ingested,
        failed,
      }),
    ],
  });
  let scraping: ScrapeManager | undefined;
  addCors(http.app);
  addQueryRoutes(http.app, { engine: createEngine(), source: db, now: Date.now });
  addLabelRoutes(http.app, db);
  addStatusRoutes(http.app, { db, version, scraping: () => scraping });
  const { port } = await http.listen(options.port, options.host);
  scraping = startScraping({ jobs: config.scrapeJobs, store: db, registry, logger, version });
  return {
    port,
    async close(deadlineMs) {
      await scraping?.stop();
      const brokenOff = await http.close(deadlineMs * DRAIN_SHARE);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      await db.close();
    },
  };
}

async function storageReadiness(storage: Storage): Promise<Readiness> {
  const { state, detail } = storage.health();
  if (state !== 'ok') return { ready: false, reason: detail };
  await storage.checkReadable();
  return { ready: true };
}
