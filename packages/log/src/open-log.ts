import { openStorage, pause, type Storage, type StorageConfig } from '@opendata/storage';
import { columnsOf } from './append-columns.ts';
import { Backpressure } from './backpressure.ts';
import { CommitGate } from './commit-gate.ts';
import { type AppendOptions, type LogDb, type LogOptions, type LogStats, logDefaults } from './db.ts';
import { Followers } from './followers.ts';
import { warmUpIndexes } from './index-warm-up.ts';
import { LogReads } from './log-reads.ts';
import { silentLogger } from './logger.ts';
import type { AppendColumns, AppendRecord } from './model.ts';
import type { OrderedFollowers } from './ordered-reader.ts';
import { PROGRAM } from './program.ts';
import { recoverSegments } from './recovery.ts';
import { Retention } from './retention.ts';
import { type RetentionLimits, resolveAgeLimits } from './retention-limits.ts';
import { Sealer } from './sealer.ts';
import { SegmentMerger } from './segment-merger.ts';
import type { SegmentSet } from './segment-set.ts';
import { SelectionFollowers } from './selection-followers.ts';
import { type Appended, LogWriter, type WriterLimits } from './writer.ts';

/**
 * Journal rows are deleted when their segment is sealed: the larger the table in memory, the fewer of them are written to
 * sorted files and compacted there (6 bytes written for a byte appended, 8 with 16 MiB).
 */
export const logTableBytes = 32 * 1024 * 1024;

/** How long opening waits for the indexes to be read ahead, ms; the rest is read in the background. */
const longestWarmUpMs = 250;

/** What was recovered is sealed so long after the start, ms, which is busy enough, if memory has room for more than that. */
const restMs = 10_000;
const restShare = 0.5;

/** Opens a log and its storage. @throws StorageError, LogError corrupt | invalid_input */
export async function openLog(config: StorageConfig, options: LogOptions = {}): Promise<LogDb> {
  const storage = await openStorage(config, {
    logger: options.logger ?? silentLogger,
    program: PROGRAM,
    tableBytes: logTableBytes,
  });
  try {
    return await openLogOn(storage, options, () => storage.close());
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

/** Opens a log on storage that is open already, and stays open when the log is closed. @throws LogError corrupt | invalid_input */
export async function openLogOn(
  storage: Storage,
  options: LogOptions = {},
  closeStorage: () => Promise<void> = async () => undefined,
): Promise<LogDb> {
  const logger = options.logger ?? silentLogger;
  const now = options.now ?? Date.now;
  const limits = resolveLimits(options, storage.defaultTtlMs);
  const followers = new Followers();
  const startedMs = performance.now();
  const segments = await recoverSegments(storage, followers);
  const recovered = {
    nextSequence: segments.nextSequence,
    sealed: segments.sealed.length,
    heads: segments.heads.length,
  };
  logger.info({ ...recovered, tookMs: Math.round(performance.now() - startedMs) }, 'log recovered');
  const merger = new SegmentMerger(
    storage,
    segments,
    {
      mergeCount: options.mergeCount ?? logDefaults.mergeCount,
      sealBytes: limits.sealBytes,
      // A segment goes when its last record is too old: the first one must not have to wait longer than it was said.
      spanMs: limits.retentionMs === undefined ? Number.POSITIVE_INFINITY : (limits.sealIntervalMs ?? 0),
    },
    logger,
  );
  const sealer = new Sealer(storage, segments, logger, () => merger.kick());
  const writer = new LogWriter(storage.journal, segments, limits, {
    now,
    onRotate: () => sealer.kick(),
  });
  const ordered = {
    visible: new SelectionFollowers(segments, () => segments.nextSequence),
    durable: new SelectionFollowers(segments, () => writer.watermark.sequence),
  };
  followers.onAppended = () => ordered.visible.advanced();
  writer.watermark.subscribe(() => ordered.durable.advanced());
  const retention = new Retention(storage, segments, limits, { now, logger });
  if (segments.headBytes < limits.headBudgetBytes * restShare) sealer.kickLater(restMs);
  else sealer.kick();
  const stopping = new AbortController();
  const { signal } = stopping;
  const warmUp = {
    stopping,
    done: warmUpIndexes(segments.sealed, { maxBytes: storage.blocks.readAheadBytes, signal }),
  };
  await Promise.race([warmUp.done, pause(longestWarmUpMs, signal)]);
  const backpressure = new Backpressure(
    storage.journal,
    segments,
    sealer,
    new CommitGate(storage.journal),
    limits.headBudgetBytes,
  );
  return new OpenLog({
    storage,
    segments,
    writer,
    sealer,
    merger,
    retention,
    followers,
    ordered,
    backpressure,
    warmUp,
    closeStorage,
    now,
  });
}

function resolveLimits(options: LogOptions, defaultTtlMs: number | undefined): WriterLimits & RetentionLimits {
  const { retentionMs, sealIntervalMs } = options;
  return {
    ...resolveAgeLimits({ retentionMs, sealIntervalMs }, defaultTtlMs),
    sealBytes: options.sealBytes ?? logDefaults.sealBytes,
    headBudgetBytes: options.headBudgetBytes ?? logDefaults.headBudgetBytes,
    retentionBytes: options.retentionBytes,
    checkIntervalMs: options.checkIntervalMs ?? logDefaults.checkIntervalMs,
  };
}

interface LogParts {
  readonly storage: Storage;
  readonly segments: SegmentSet;
  readonly writer: LogWriter;
  readonly sealer: Sealer;
  readonly merger: SegmentMerger;
  readonly retention: Retention;
  readonly followers: Followers;
  readonly ordered: OrderedFollowers;
  readonly backpressure: Backpressure;
  readonly warmUp: { readonly stopping: AbortController; readonly done: Promise<void> };
  readonly closeStorage: () => Promise<void>;
  readonly now: () => number;
}

class OpenLog extends LogReads implements LogDb {
  private readonly storage: Storage;
  private readonly writer: LogWriter;
  private readonly sealer: Sealer;
  private readonly merger: SegmentMerger;
  private readonly retention: Retention;
  private readonly closeStorage: () => Promise<void>;
  private readonly backpressure: Backpressure;
  private readonly warmUp: LogParts['warmUp'];
  private readonly now: () => number;
  private closing: Promise<void> | undefined;

  constructor(parts: LogParts) {
    super({ ...parts, watermark: parts.writer.watermark });
    this.storage = parts.storage;
    this.writer = parts.writer;
    this.sealer = parts.sealer;
    this.merger = parts.merger;
    this.retention = parts.retention;
    this.backpressure = parts.backpressure;
    this.warmUp = parts.warmUp;
    this.closeStorage = parts.closeStorage;
    this.now = parts.now;
  }

  async append(records: readonly AppendRecord[], options: AppendOptions = {}) {
    const appended = this.writer.append(columnsOf(records));
    await this.acknowledged(appended, options.awaitDurable === true);
    return { startSequence: appended.startSequence, count: appended.count };
  }

  appendColumns(records: AppendColumns): Appended {
    return this.writer.append(records);
  }

  committed(appended: Appended): Promise<void> {
    return this.storage.journal.committed(appended.group);
  }

  acknowledged(appended: Appended, awaitDurable: boolean): Promise<void> | undefined {
    return this.backpressure.waitFor(appended, awaitDurable);
  }

  flush(): Promise<void> {
    return this.storage.journal.flush();
  }

  sealActive(): void {
    this.writer.rotate();
  }

  async sealed(): Promise<void> {
    await this.sealer.idle();
    await this.merger.idle();
  }

  expire(): Promise<void> {
    return this.retention.check();
  }

  stats(): LogStats {
    const { writer, sealer, retention } = this;
    return {
      ...this.readStats(this.now()),
      appendedRecords: writer.recordsTotal,
      appendedBytes: writer.bytesTotal,
      mergedSegments: this.merger.mergedTotal,
      sealFailures: sealer.failuresTotal,
      expiredSegments: retention.expiredTotal,
      retentionFailures: retention.failuresTotal,
    };
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async closeAll(): Promise<void> {
    this.endReads();
    this.warmUp.stopping.abort();
    try {
      await this.warmUp.done;
      // Each stops at once what it can; retention waits for a merge that is under way.
      await Promise.all([this.retention.close(), this.sealer.close(), this.merger.close()]);
      await this.storage.journal.flush();
      this.writer.watermark.endWaits();
    } finally {
      this.writer.close();
      await this.closeStorage();
    }
  }
}
