import {
  createHttpServer,
  HttpError,
  type Logger,
  type Readiness,
  type Registry,
  type RunningServer,
  renderPlainError,
  type WebAccess,
} from '@opendata/server';
import { openStorage, type Storage } from '@opendata/storage';
import type { LogConfig } from './config.ts';
import type { LogDb } from './db.ts';
import { logProblem } from './http/problems.ts';
import { addLogRoutes, earlyLogRoutes } from './http/routes.ts';
import { logMetrics } from './metrics.ts';
import { openLogOn } from './open-log.ts';

/** Time that requests in flight get of the time to stop; the rest is for the flush. */
const drainShare = 0.5;

export interface LogServerOptions {
  /** Of this program. */
  readonly version: string;
  readonly config: LogConfig;
  readonly port: number;
  readonly host?: string;
  /** TLS and authentication. */
  readonly web?: WebAccess | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  /** Called when the log is lost for good. */
  readonly fatal: (error: unknown) => void;
}

export interface LogServer extends RunningServer {
  /** What it listens on: `::` for every address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Listens, opens the log and serves it. Until it is open, requests for it are answered 503.
 * @throws StorageError, LogError corrupt
 */
export async function startLogServer(options: LogServerOptions): Promise<LogServer> {
  const { config, registry, logger, readiness } = options;
  let opened: OpenedLog | undefined;
  const db = (): LogDb => {
    if (opened === undefined)
      throw new HttpError(503, 'the log is being recovered', { code: 'starting', retryAfterSeconds: 1 });
    return opened.db;
  };
  const draining = new AbortController();
  const http = createHttpServer({
    registry,
    logger,
    web: options.web,
    ready: [readiness, () => (opened === undefined ? recovering : storageReadiness(opened.storage))],
    mapError: logProblem,
    errorRenderers: { '/': renderPlainError },
    bodyLimitBytes: config.http.body_limit,
    ...earlyLogRoutes(
      db,
      { maxBatchRecords: config.http.max_batch_records, maxRequestBytes: config.http.body_limit },
      draining.signal,
    ),
  });
  addLogRoutes(http.app, db, options.version);
  http.draining.addEventListener('abort', () => {
    draining.abort();
    opened?.db.endFollowing();
  });
  const { address, port } = await http.listen(options.port, options.host);
  try {
    opened = await openServed(options);
  } catch (error) {
    await http.close(0);
    throw error;
  }
  const { storage } = opened;
  return {
    address,
    port,
    async close(deadlineMs) {
      const brokenOff = await http.close(deadlineMs * drainShare);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      try {
        await db().close();
      } finally {
        await storage.close();
      }
    },
  };
}

interface OpenedLog {
  readonly storage: Storage;
  readonly db: LogDb;
}

async function openServed({ config, logger, registry, fatal }: LogServerOptions): Promise<OpenedLog> {
  const storage = await openStorage(config.storage, { logger });
  try {
    storage.onFatal(fatal);
    registry.addCollector(() => storage.metrics());
    const db = await openLogOn(storage, {
      logger,
      sealBytes: config.segmentation.seal_byte_limit,
      sealIntervalMs: config.segmentation.seal_interval,
      headBudgetBytes: config.head_memory_limit,
      retentionMs: config.retention.retention,
      retentionBytes: config.retention.retention_bytes,
      checkIntervalMs: config.retention.check_interval,
    });
    registry.addCollector(() => logMetrics(db));
    return { storage, db };
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

const recovering: Readiness = { ready: false, reason: 'the log is being recovered' };

async function storageReadiness(storage: Storage): Promise<Readiness> {
  const { state, detail } = storage.health();
  if (state !== 'ok') return { ready: false, reason: detail ?? state };
  await storage.checkReadable();
  return { ready: true };
}
