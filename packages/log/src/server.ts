import {
  createHttpServer,
  type Logger,
  type Readiness,
  type Registry,
  type RunningServer,
  renderPlainError,
} from '@opendata/server';
import { openStorage, type Storage } from '@opendata/storage';
import type { LogConfig } from './config.ts';
import type { LogDb } from './db.ts';
import { appendRoute } from './http/append-route.ts';
import { logProblem } from './http/problems.ts';
import { addReadRoutes } from './http/read-routes.ts';
import { scanRoute } from './http/scan-route.ts';
import { logMetrics } from './metrics.ts';
import { openLogOn } from './open-log.ts';

/** Time that requests in flight get of the time to stop; the rest is for the flush. */
const drainShare = 0.5;

export interface LogServerOptions {
  readonly config: LogConfig;
  readonly port: number;
  readonly host?: string;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  /** Called when the log is lost for good. */
  readonly fatal: (error: unknown) => void;
}

export interface LogServer extends RunningServer {
  readonly port: number;
}

/** Opens the log and serves it over HTTP. @throws StorageError, LogError corrupt */
export async function startLogServer(options: LogServerOptions): Promise<LogServer> {
  const { config, logger, registry } = options;
  const storage = await openStorage(config.storage, { logger });
  try {
    storage.onFatal(options.fatal);
    registry.addCollector(() => storage.metrics());
    const db = await openLogOn(storage, {
      logger,
      sealBytes: config.segmentation.seal_byte_limit,
      sealIntervalMs: config.segmentation.seal_interval,
      headBudgetBytes: config.head_memory_limit,
    });
    registry.addCollector(() => logMetrics(db));
    return await serve(options, storage, db);
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

async function serve(options: LogServerOptions, storage: Storage, db: LogDb): Promise<LogServer> {
  const { config, registry, logger, readiness } = options;
  const http = createHttpServer({
    registry,
    logger,
    ready: [readiness, () => storageReadiness(storage)],
    mapError: logProblem,
    errorRenderers: { '/': renderPlainError },
    bodyLimitBytes: config.http.body_limit,
    rawRoutes: [appendRoute(db), scanRoute(db)],
  });
  addReadRoutes(http.app, db);
  http.draining.addEventListener('abort', () => db.endFollowing());
  const { port } = await http.listen(options.port, options.host);
  return {
    port,
    async close(deadlineMs) {
      const brokenOff = await http.close(deadlineMs * drainShare);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      try {
        await db.close();
      } finally {
        await storage.close();
      }
    },
  };
}

async function storageReadiness(storage: Storage): Promise<Readiness> {
  const { state, detail } = storage.health();
  if (state !== 'ok') return { ready: false, reason: detail ?? state };
  await storage.checkReadable();
  return { ready: true };
}
