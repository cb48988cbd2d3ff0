import { join } from 'node:path';
import { type BlockInfo, type BlockStore, readBlockState, WritableBlocks } from './blocks.ts';
import { warmUpOf, withCacheThatFits } from './cache-volume.ts';
import { startWarmUp, type WarmUpOptions } from './cache-warm-up.ts';
import { CommitLoop } from './commit-loop.ts';
import { resolveTuning, type StorageConfig } from './config.ts';
import { withDeadline } from './deadline.ts';
import type { Engine } from './engine.ts';
import { engineWithFiles } from './engine-with-files.ts';
import { StorageError, toStorageError } from './errors.ts';
import { restoreFolder } from './folder-restore.ts';
import { createFolderSync, type FolderSync } from './folder-sync.ts';
import { checkFormat } from './format.ts';
import { writeFormatFile } from './format-file.ts';
import { type Journal, WritableJournal } from './journal.ts';
import { readJournalState } from './journal-recovery.ts';
import { pageRange, stateKey } from './keys.ts';
import type { Logger } from './logger.ts';
import { isSurelyNew, lookBeforeOpening } from './look-before-opening.ts';
import { type MetaStore, metaStore } from './meta.ts';
import type { MetricFamily } from './metrics.ts';
import { type Environment, objectStoreTarget } from './object-store.ts';
import { preflightObjectStore } from './preflight.ts';
import { RowFiles } from './row-files.ts';
import { loadSlateSettings, slateSettingsDefaults } from './settings.ts';
import { openSlateEngine } from './slatedb-engine.ts';
import { setTornLogAside } from './slatedb-torn-log.ts';
import { StorageMetrics } from './storage-metrics.ts';
import { Sweeper } from './sweeper.ts';
import { syncAncestors } from './sync-path.ts';
import { forgetSynced, markBoot } from './synced-files.ts';

export interface StorageHealth {
  /**
   * - `recovering`: the journal was not read to its end yet.
   * - `unavailable`: something waits for longer than the commit timeout to become durable.
   */
  readonly state: 'ok' | 'recovering' | 'unavailable' | 'fenced' | 'closed';
  readonly detail: string;
  readonly oldestPendingCommitAgeMs: number;
}

/** An open database: one writer, everything durable through one commit loop. */
export interface Storage {
  readonly journal: Journal;
  readonly blocks: BlockStore;
  readonly meta: MetaStore;
  /** How long data is kept by the SlateDB settings file, in ms; undefined = for ever. */
  readonly defaultTtlMs: number | undefined;
  health(): StorageHealth;
  /** A cheap real read. @throws StorageError when the storage does not answer */
  checkReadable(): Promise<void>;
  /** Called once when the database is lost for good (fenced, engine stopped); at once if it is already. */
  onFatal(listener: (error: StorageError) => void): void;
  metrics(): MetricFamily[];
  /** Resolves when what the settings want in the disk cache at start has been fetched; readiness does not wait for it. */
  readonly cacheWarm: Promise<void>;
  /** Deletes what garbage is due, now; that also happens by itself. */
  sweep(): Promise<void>;
  /**
   * Refuses appends, commits everything that was accepted, closes the engine (which is given 3 s for it).
   * @throws StorageError if something that was accepted could not be committed, `unavailable` if that took longer than
   * the deadline; the storage is closed nevertheless
   */
  close(): Promise<void>;
}

export interface OpenStorageOptions {
  readonly logger: Logger;
  /** Which program opens it: it stands in a new database, and the database of another one is refused. */
  readonly program?: string;
  /** Where credentials and endpoints come from. Default: the environment of the process. */
  readonly env?: Environment;
  /** How long readers may still use a removed block before its pages are deleted. Default 60000. */
  readonly removalGraceMs?: number;
  /** After which time entries are committed that nobody waits for. Default: 100, or the commit interval if longer. */
  readonly idleCommitMs?: number;
  /**
   * How long a commit waits, at most, for writers that the one before has answered, where nothing sets a distance between
   * commits: fewer commits for later answers. Default 0.
   */
  readonly gatherMs?: number;
  /**
   * Size of a table in memory on a folder store where the settings file does not say it, in bytes: journal rows that are
   * deleted while they are in it never reach a sorted file. Default 16 MiB.
   */
  readonly tableBytes?: number;
  /** Default 120000: replaying a long write-ahead log takes its time. */
  readonly openTimeoutMs?: number;
  /** How long a close waits for what was accepted to become durable. Default 15000. */
  readonly closeTimeoutMs?: number;
  /** How long the engine may take to tidy up once everything is durable; it need not. Default 3000. */
  readonly leaveTimeoutMs?: number;
}

export interface StorageParts extends OpenStorageOptions {
  readonly commitIntervalMs: number;
  readonly commitTimeoutMs: number;
  readonly pageCacheBytes: number;
  readonly budgetBytes: number;
  readonly defaultTtlMs?: number | undefined;
  readonly retryMs?: number;
  readonly groupBytes?: number;
  readonly largeGroupBytes?: number;
  /** The files that the engine's rows are in, where it has any. */
  readonly files?: Pick<RowFiles, 'drop' | 'dropLeft'> | undefined;
  /** What to fetch into the disk cache, and how large that is. */
  readonly warmUp?: Pick<WarmUpOptions, 'preload' | 'cacheBytes'> | undefined;
  /** Called on every look at the engine's state. */
  readonly onTick?: () => Promise<void>;
  /** What to call the place in messages. */
  readonly description?: string;
  /** Called with the format row once it is written, before anything else is. */
  readonly onFormat?: (text: string) => Promise<void>;
}

const tickMs = 250;
const defaultOpenTimeoutMs = 120_000;
const defaultCloseTimeoutMs = 15_000;
/** How long the engine may take to write its table and its manifest when it closes: the next opening would replay the log. */
const defaultLeaveTimeoutMs = 3_000;
/** The same of an engine that has lost its database: it has nothing to write. */
const leaveLostTimeoutMs = 500;
const readCheckMs = 3_000;
const warmUpReadAheadBytes = 1024 * 1024;
/** A commit this young shows that the store answers. */
const provenMs = 10_000;
/**
 * Opening replays this many objects of the write-ahead log at most. SlateDB reads them one after the other, with four
 * requests each: 80 ms from a bucket that answers in 20 ms; from a folder 0.05 ms.
 */
const remoteCommitsPerTable = 64;
const localCommitsPerTable = 8192;
/** So long files of lanes and blocks that are gone stay for readers of an older state; later, these ask again. */
const fileGraceMs = 1_000;
const defaultL0SstBytes = slateSettingsDefaults.engine.l0_sst_size_bytes;

/**
 * Checks what can be checked of a configuration without asking the store: the settings file, endpoints, variables.
 * @throws StorageError `config`
 */
export function checkStorageConfig(config: StorageConfig, env?: Environment): void {
  loadSlateSettings(config.settings_path);
  objectStoreTarget(config, env);
}

/**
 * Opens the database as its one writer; whoever had it open before is fenced.
 * @throws StorageError `config`, `unavailable` (the store cannot be reached), `corrupt`
 */
export async function openStorage(config: StorageConfig, options: OpenStorageOptions): Promise<Storage> {
  const target = objectStoreTarget(config, options.env);
  const settings = loadSlateSettings(config.settings_path, {
    isRemote: target.isRemote,
    isFolder: target.folder !== undefined,
    tableBytes: target.isRemote ? undefined : options.tableBytes,
  });
  const tuning = resolveTuning(config);
  const root = target.folder === undefined ? undefined : join(target.folder, target.path);
  const {
    warnings,
    format,
    isEmpty = false,
  } = await preflightObjectStore(target, {
    ...(options.env === undefined ? {} : { env: options.env }),
    timeoutMs: tuning.commitTimeoutMs,
    cacheFolder: settings.cacheFolder,
  });
  const { description } = target;
  const { program, logger, openTimeoutMs = defaultOpenTimeoutMs } = options;
  for (const warning of warnings) logger.warn({ store: description }, warning);
  const deadlineMs = tuning.commitTimeoutMs;
  const isRestored = root !== undefined && (await restoreFolder(root, logger));
  const isNew = await isSurelyNew(target, isEmpty);
  const expected = { description, program, format, isNew };
  await lookBeforeOpening(target, { ...expected, deadlineMs, openDeadlineMs: openTimeoutMs, logger });
  if (root !== undefined && (isRestored || syncsFolder(config)))
    await setTornLogAside(target, { root, isRestored, deadlineMs, logger });
  let folder: FolderSync | undefined;
  if (root !== undefined && syncsFolder(config)) {
    folder = createFolderSync(root);
    await folder.syncAll();
    await markBoot(root);
  } else if (root !== undefined) await forgetSynced(root);
  const fitting = await withCacheThatFits(settings, logger);
  const opened = await openSlateEngine(target, {
    settings: fitting.engine,
    deadlineMs,
    openDeadlineMs: openTimeoutMs,
    // A byte counts twice while it is in the log's buffer and in a table, and a table of full size must always fit.
    memoryLimitBytes: 4 * Math.max(settings.maxUnflushedBytes, l0SstBytes(settings.engine)),
    commitsPerTable: target.isRemote ? remoteCommitsPerTable : localCommitsPerTable,
    blockCache: target.isRemote,
    preflight: target.isRemote,
    isNew,
    afterFlush: folder?.syncLog,
  });
  const engine = folder === undefined ? opened : syncedAtClose(opened, folder);
  try {
    if (root !== undefined && folder !== undefined) {
      await folder.syncAll();
      await syncAncestors(root);
    }
    const files =
      root === undefined
        ? undefined
        : await RowFiles.open({
            root,
            fsync: syncsFolder(config),
            graceMs: Math.min(fileGraceMs, options.removalGraceMs ?? fileGraceMs),
            logger,
          });
    return await startStorage(files === undefined ? engine : engineWithFiles(engine, files), {
      ...options,
      ...tuning,
      description,
      onFormat: async (text) => {
        if (text === format) return;
        const access = { env: options.env ?? process.env, timeoutMs: deadlineMs };
        await writeFormatFile(target, text, access).catch((error: unknown) =>
          logger.warn({ err: error, store: description }, 'the format file was not written'),
        );
      },
      files,
      budgetBytes: settings.maxUnflushedBytes,
      defaultTtlMs: settings.defaultTtlMs,
      warmUp: target.isRemote ? warmUpOf(fitting) : undefined,
      ...(folder === undefined ? {} : { onTick: folder.syncAll }),
    });
  } catch (error) {
    await withDeadline(engine.close(), options.closeTimeoutMs ?? defaultCloseTimeoutMs, 'closing').catch(
      () => undefined,
    );
    throw error;
  }
}

function syncsFolder(config: StorageConfig): boolean {
  return config.type === 'SlateDb' && config.object_store.type === 'Local' && config.object_store.fsync === true;
}

/** What the engine tidies up when it closes is on the disk as well: after a start of the machine nothing is put aside. */
function syncedAtClose(engine: Engine, folder: FolderSync): Engine {
  return {
    ...engine,
    close: async (options) => {
      await engine.close(options);
      if (options?.isLost !== true) await folder.syncAll();
    },
  };
}

function l0SstBytes(engineSettings: Readonly<Record<string, unknown>>): number {
  const size = engineSettings['l0_sst_size_bytes'];
  return typeof size === 'number' ? size : defaultL0SstBytes;
}

/** Everything above the engine. */
export async function startStorage(engine: Engine, parts: StorageParts): Promise<Storage> {
  const { logger, commitTimeoutMs } = parts;
  const { description = 'this storage', program } = parts;
  const format = await checkFormat(engine, commitTimeoutMs, { description, program });
  await parts.onFormat?.(format);
  const listeners: ((error: StorageError) => void)[] = [];
  const metrics = new StorageMetrics();
  let fatal: StorageError | undefined;
  let closing: Promise<void> | undefined;

  const loop = new CommitLoop(engine, {
    logger,
    minIntervalMs: parts.commitIntervalMs,
    gatherMs: parts.commitIntervalMs === 0 ? parts.gatherMs : 0,
    retryMs: parts.retryMs,
    onCommit: (stats) => metrics.committed(stats),
    onFailure: (error) => {
      if (closing !== undefined) return;
      fatal = error;
      logger.error({ err: error, code: error.code }, 'the database is lost');
      for (const listener of listeners) listener(error);
    },
  });
  let recovered = (): void => undefined;
  const after = new Promise<void>((resolve) => (recovered = resolve));
  const journal: WritableJournal = new WritableJournal(engine, loop, await readJournalState(engine), {
    budgetBytes: parts.budgetBytes,
    deadlineMs: commitTimeoutMs,
    groupBytes: parts.groupBytes,
    largeGroupBytes: parts.largeGroupBytes,
    idleCommitMs: parts.idleCommitMs ?? Math.max(100, parts.commitIntervalMs),
    onRecovered: (sealed) => {
      recovered();
      // Before sweeping: the journal forgets the rows that it is about to delete.
      parts.files?.dropLeft('lane', (lane) => journal.rowsOf(lane) !== undefined);
      for (const lane of sealed) sweeper.addLane(lane);
    },
  });
  const sweeper: Sweeper = new Sweeper({
    engine,
    loop,
    journal,
    logger,
    onBlockSwept: (id) => {
      blocks.swept(id);
      parts.files?.drop(`block-${id}`);
    },
    onLaneSwept: (lane) => parts.files?.drop(`lane-${lane}`),
  });
  const blockState = await readBlockState(engine);
  const blockIds = new Set([...blockState.blocks, ...blockState.garbage].map(({ id }) => id));
  parts.files?.dropLeft('block', (id) => blockIds.has(id));
  const blocks: WritableBlocks = new WritableBlocks(engine, loop, journal, sweeper, blockState, {
    cacheBytes: parts.pageCacheBytes,
    removalGraceMs: parts.removalGraceMs ?? 60_000,
  });

  const warmUp =
    parts.warmUp &&
    startWarmUp({
      ...parts.warmUp,
      after,
      logger,
      blocks: () => blocks.list(),
      read: (...run) => readPast(engine, ...run),
    });

  const tick = setInterval(() => {
    const failure = engine.failure();
    if (failure !== undefined) return loop.fail(failure);
    parts.onTick?.().catch((error: unknown) => logger.warn({ err: error }, 'syncing the folder failed'));
  }, tickMs);
  tick.unref();

  const health = (): StorageHealth => {
    const oldestPendingCommitAgeMs = loop.oldestPendingAgeMs();
    const answer = (state: StorageHealth['state'], detail: string): StorageHealth => ({
      state,
      detail,
      oldestPendingCommitAgeMs,
    });
    if (closing !== undefined) return answer('closed', 'closed');
    if (fatal !== undefined) return answer(fatal.code === 'fenced' ? 'fenced' : 'closed', fatal.message);
    if (oldestPendingCommitAgeMs > commitTimeoutMs) {
      return answer('unavailable', `a commit waits for ${Math.round(oldestPendingCommitAgeMs)} ms`);
    }
    return journal.isRecovered ? answer('ok', 'ok') : answer('recovering', 'reading the journal');
  };

  const checkReadable = async (): Promise<void> => {
    const { state, detail } = health();
    if (state === 'unavailable') throw new StorageError('unavailable', detail);
    if (fatal !== undefined) throw fatal;
    if (closing !== undefined) throw closedError();
    await withDeadline(engine.get(stateKey('format')), readCheckMs, 'read check');
    if (performance.now() - loop.lastDurableMs > provenMs) {
      await withDeadline(engine.probe(), readCheckMs, 'read check');
    }
  };

  const close = async (): Promise<void> => {
    journal.refuse(closedError());
    warmUp?.stop();
    sweeper.stop();
    clearInterval(tick);
    const startedMs = performance.now();
    let failure: unknown;
    try {
      if (fatal === undefined) {
        journal.flush().catch(() => undefined);
        await withDeadline(loop.drain(), parts.closeTimeoutMs ?? defaultCloseTimeoutMs, 'closing');
        failure = loop.failure;
      }
    } catch (error) {
      failure = error;
    }
    const drainedMs = performance.now();
    const isLost = fatal !== undefined || failure !== undefined;
    loop.fail(closedError());
    // A write that did not come back forbids a shutdown beside it.
    if (failure === undefined || loop.isResting) {
      // Everything accepted is durable by now, or lost for good: the engine may tidy up, and is not waited for much longer.
      const { leaveTimeoutMs = defaultLeaveTimeoutMs } = parts;
      const leave = engine.close({ isLost });
      await withDeadline(leave, isLost ? leaveLostTimeoutMs : leaveTimeoutMs, 'closing').catch((error: unknown) => {
        logger.warn({ err: error }, isLost ? 'the engine did not close' : 'the engine did not close; nothing is lost');
      });
    }
    const commitMs = Math.round(drainedMs - startedMs);
    logger.info({ commitMs, engineMs: Math.round(performance.now() - drainedMs) }, 'the storage is closed');
    if (failure !== undefined) throw toStorageError(failure);
  };

  return {
    journal,
    blocks,
    meta: metaStore(engine, loop, commitTimeoutMs),
    defaultTtlMs: parts.defaultTtlMs,
    health,
    checkReadable,
    onFatal: (listener) => {
      if (fatal === undefined) listeners.push(listener);
      else queueMicrotask(() => fatal && listener(fatal));
    },
    metrics: () => [
      ...metrics.families({ engine, loop, journal, blocks, sweeper, health: health() }),
      ...(warmUp?.metrics() ?? []),
    ],
    cacheWarm: warmUp?.done ?? Promise.resolve(),
    sweep: () => sweeper.idle(),
    close: () => (closing ??= close()),
  };
}

/** Reads pages through the engine's disk cache alone. */
async function readPast(engine: Engine, block: BlockInfo, first: number, count: number): Promise<number> {
  let sizeBytes = 0;
  const options = { readAheadBytes: warmUpReadAheadBytes, cache: false };
  for await (const { value } of engine.scan(pageRange(block.id, first, first + count), options))
    sizeBytes += value.length;
  return sizeBytes;
}

function closedError(): StorageError {
  return new StorageError('closed', 'the database is closed');
}
