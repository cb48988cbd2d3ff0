import {
  BodyMemory,
  createHttpServer,
  defaultBodyMemoryBytes,
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
import { logTableBytes, openLogOn } from './open-log.ts';
import { PROGRAM } from './program.ts';
import { startReplicaLog } from './replica-log.ts';

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
  /** Follows a log that another process writes. */
  readonly isReadOnly?: boolean;
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
  const { config, registry, logger, readiness, isReadOnly = false } = options;
  let opened: OpenedLog | undefined;
  const db = (): LogDb => {
    const reason = opened === undefined ? recovering.reason : opened.notServed();
    if (opened === undefined || reason !== undefined) {
      throw new HttpError(503, reason ?? 'starting', { code: 'starting', retryAfterSeconds: 1 });
    }
    return opened.db;
  };
  const draining = new AbortController();
  const http = createHttpServer({
    registry,
    logger,
    web: options.web,
    ready: [readiness, () => (opened === undefined ? recovering : opened.readiness())],
    mapError: logProblem,
    errorRenderers: { '/': renderPlainError },
    bodyLimitBytes: config.http.body_limit,
    bodyMemory: new BodyMemory(config.http.body_memory_limit),
    ...earlyLogRoutes(
      db,
      {
        maxBatchRecords: config.http.max_batch_records,
        maxRequestBytes: config.http.body_limit,
        maxAnswerBytes: config.http.body_memory_limit ?? defaultBodyMemoryBytes(),
      },
      draining.signal,
      isReadOnly,
    ),
  });
  addLogRoutes(http.app, db, options.version);
  http.draining.addEventListener('abort', () => {
    draining.abort();
    opened?.db.endFollowing();
  });
  const { address, port } = await http.listen(options.port, options.host);
  try {
    opened = await (isReadOnly ? startReplica(options) : openServed(options));
  } catch (error) {
    await http.close(0);
    throw error;
  }
  const { close } = opened;
  return {
    address,
    port,
    async close(deadlineMs) {
      const startedMs = performance.now();
      const brokenOff = await http.close(deadlineMs * drainShare);
      if (brokenOff > 0) logger.warn({ requests: brokenOff }, 'requests broken off');
      logger.info({ elapsedMs: Math.round(performance.now() - startedMs) }, 'no more requests');
      await close();
    },
  };
}

interface OpenedLog {
  readonly db: LogDb;
  /** Why reads are not answered, if so. */
  notServed(): string | undefined;
  readiness(): Promise<Readiness>;
  close(): Promise<void>;
}

async function openServed({ config, logger, registry, fatal }: LogServerOptions): Promise<OpenedLog> {
  const storage = await openStorage(config.storage, { logger, program: PROGRAM, tableBytes: logTableBytes });
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
    return {
      db,
      notServed: () => undefined,
      readiness: () => storageReadiness(storage),
      async close() {
        try {
          await db.close();
        } finally {
          await storage.close();
        }
      },
    };
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

/** Does not wait for the writer: until the replica has caught up, requests are answered 503 with the reason. */
async function startReplica({ config, logger, registry, fatal }: LogServerOptions): Promise<OpenedLog> {
  const db = startReplicaLog(config.storage, {
    logger,
    refreshMs: config.replica.refresh_interval,
    onFatal: fatal,
  });
  registry.addCollector(() => [...db.storageMetrics(), ...logMetrics(db)]);
  return {
    db,
    notServed: () => (db.isCaughtUp ? undefined : db.health().detail),
    readiness: () => storageReadiness(db),
    close: () => db.close(),
  };
}

const recovering = { ready: false, reason: 'the log is being recovered' } as const;

async function storageReadiness(storage: Pick<Storage, 'health' | 'checkReadable'>): Promise<Readiness> {
  const { state, detail } = storage.health();
  if (state !== 'ok') return { ready: false, reason: detail ?? state };
  await storage.checkReadable();
  return { ready: true };
}
