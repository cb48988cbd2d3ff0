import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockPages } from './block-pages.ts';
import { type BlockInfo, type BlockReads, readBlockCounters, readDescriptors } from './blocks.ts';
import { cacheBytes, warmUpOf, withCacheThatFits } from './cache-volume.ts';
import { startWarmUp, type WarmUpOptions } from './cache-warm-up.ts';
import { resolveTuning, type StorageConfig } from './config.ts';
import { pause, withDeadline } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { readerWithFiles } from './engine-with-files.ts';
import { StorageError, toStorageError } from './errors.ts';
import { checkFormatText, hasFormat } from './format.ts';
import { type JournalEntry, readJournalState, recoverJournal } from './journal-recovery.ts';
import { descriptorKey, stateKey } from './keys.ts';
import type { Logger } from './logger.ts';
import { type MetaReads, metaReads } from './meta.ts';
import { bridgeMetrics, counterFamily, gaugeFamily, type MetricFamily } from './metrics.ts';
import { type Environment, objectStoreTarget } from './object-store.ts';
import { type PageFiles, sharePageFiles } from './page-files.ts';
import { preflightObjectStore } from './preflight.ts';
import { RowFileReader } from './row-files.ts';
import { loadSlateSettings } from './settings.ts';
import { openSlateReader } from './slatedb-reader.ts';
import type { StorageHealth } from './storage.ts';

/** What happened in the database since the change before. */
export interface StorageChange {
  /** New entries in the order of their appends; to be applied first. */
  readonly entries: readonly JournalEntry[];
  /** Lanes whose entries are in blocks from now on; what is in memory of them is to be forgotten. */
  readonly lanesSealed: readonly number[];
  readonly blocksAdded: readonly BlockInfo[];
  readonly blocksRemoved: readonly number[];
  /** False where more of the same look at the store follows: the entries may have gaps that lanes explain. */
  readonly isComplete: boolean;
}

/** A database that another process writes. Never fences it. */
export interface ReadOnlyStorage {
  /** The blocks as of the last change that {@link follow} yielded; before that, as of opening. */
  readonly blocks: BlockReads;
  readonly meta: MetaReads;
  /** The last commit group that was read. */
  readonly lastGroup: number;
  /** As {@link Journal.recover}: every entry of every live lane; to be run to its end once, before {@link follow}. */
  recover(): AsyncIterable<JournalEntry>;
  /**
   * Yields every change until the signal aborts or the storage closes; the first one at once, perhaps empty: with it
   * the reader has caught up with its opening. While the store does not answer nothing is yielded.
   * @throws StorageError `corrupt`, `internal`
   */
  follow(signal?: AbortSignal): AsyncIterable<StorageChange>;
  health(): StorageHealth;
  checkReadable(): Promise<void>;
  /** Asks the object store itself, past everything in memory. @throws StorageError `unavailable` */
  probe(): Promise<void>;
  /** Resolves when what the settings want in the disk cache at start has been fetched. */
  readonly cacheWarm: Promise<void>;
  /** Time since the last successful look at the changes, ms; undefined before the first. */
  readonly lookAgeMs: number | undefined;
  metrics(): MetricFamily[];
  close(): Promise<void>;
}

export interface OpenReadOnlyOptions {
  readonly logger: Logger;
  /** Which program opens it: it stands in a new database, and the database of another one is refused. */
  readonly program?: string;
  /** Where credentials and endpoints come from. Default: the environment of the process. */
  readonly env?: Environment;
  /** How often to look for changes. Default 1000. */
  readonly pollMs?: number;
  /** How long blocks stay readable after they were removed. Default 60000. */
  readonly removalGraceMs?: number;
  readonly openTimeoutMs?: number;
}

export interface ReaderParts extends OpenReadOnlyOptions {
  readonly timeoutMs: number;
  /** What to call the place in messages. */
  readonly description?: string;
  readonly pageCacheBytes: number;
  /** A cache on disk, and what to do when it is not needed any more. */
  readonly disk?:
    | {
        readonly files: PageFiles | undefined;
        readonly warmUp: Pick<WarmUpOptions, 'preload' | 'cacheBytes'> | undefined;
        release(): Promise<void>;
      }
    | undefined;
}

/** Entries are yielded in changes of about this size. */
const changeBytes = 8 * 1024 * 1024;
const readCheckMs = 3_000;
/** How often the engine is asked in memory whether it has read something newer. */
const versionCheckMs = 20;
const leaveTimeoutMs = 3_000;

/**
 * Opens the database for reading.
 * @throws StorageError `config`, `unavailable` (the store cannot be reached, or there is no database yet)
 */
export async function openReadOnlyStorage(
  config: StorageConfig,
  options: OpenReadOnlyOptions,
): Promise<ReadOnlyStorage> {
  const target = objectStoreTarget(config, options.env);
  const tuning = resolveTuning(config);
  if (target.url === 'memory:///') {
    throw new StorageError('config', 'a database in memory cannot be opened by a second process');
  }
  const { warnings, format } = await preflightObjectStore(target, {
    ...(options.env === undefined ? {} : { env: options.env }),
    timeoutMs: tuning.commitTimeoutMs,
    readOnly: true,
  });
  const { description } = target;
  for (const warning of warnings) options.logger.warn({ store: description }, warning);
  if (format !== undefined) checkFormatText(format, { description, program: options.program });
  const engine = await openSlateReader(target, {
    deadlineMs: tuning.commitTimeoutMs,
    openDeadlineMs: options.openTimeoutMs ?? 120_000,
    pollMs: options.pollMs ?? 1000,
    preflight: target.isRemote,
  }).catch((error: unknown) => {
    const failure = toStorageError(error);
    if (failure.code !== 'corrupt' && failure.code !== 'internal') throw failure;
    throw new StorageError('unavailable', `${target.description}: no database can be read: ${failure.message}`, {
      cause: failure,
    });
  });
  const { folder } = target;
  const reader =
    folder === undefined
      ? engine
      : readerWithFiles(engine, new RowFileReader(join(folder, target.path)), 'unavailable');
  const disk = target.isRemote ? await diskCache(config, options.logger) : undefined;
  try {
    return await startReader(reader, {
      ...options,
      description,
      timeoutMs: tuning.commitTimeoutMs,
      pageCacheBytes: tuning.pageCacheBytes,
      disk,
    });
  } catch (error) {
    await disk?.release();
    await reader.close().catch(() => undefined);
    throw error;
  }
}

/** The engine's disk cache is the writer's only: a reader has one of pages, with the same settings. */
async function diskCache(config: StorageConfig, logger: Logger): Promise<ReaderParts['disk']> {
  const settings = loadSlateSettings(config.settings_path);
  if (settings.cacheFolder === undefined) return undefined;
  try {
    await mkdir(settings.cacheFolder, { recursive: true });
    const fitting = await withCacheThatFits(settings, logger);
    const shared = await sharePageFiles({ folder: settings.cacheFolder, maxBytes: cacheBytes(fitting), logger });
    return { files: shared.files, release: () => shared.release(), warmUp: warmUpOf(fitting) };
  } catch (error) {
    logger.warn({ err: error, cacheFolder: settings.cacheFolder }, 'the disk cache cannot be used');
    return undefined;
  }
}

/** Everything above the engine. */
export async function startReader(engine: EngineReader, parts: ReaderParts): Promise<ReadOnlyStorage> {
  const { description = 'this storage', program } = parts;
  if (!(await hasFormat(engine, { description, program }))) {
    throw new StorageError('unavailable', `${description}: there is no database yet`);
  }
  const { logger, timeoutMs, pollMs = 1000, removalGraceMs = 60_000 } = parts;
  const journal = await readJournalState(engine);
  let changes = (await readBlockCounters(engine)).changes;
  let stored = new Map((await readDescriptors(engine)).map((block) => [block.id, block]));
  let announced = new Map(stored);
  const leaving = new Map<number, BlockInfo>();
  const sealed = new Set(journal.sealedLanes);
  for (const block of stored.values()) for (const lane of block.sealedLanes) sealed.add(lane);
  /** Live lanes and the last group that had an entry of them. */
  const lanes = new Map<number, number>();
  let lastGroup = 0;
  let recovered = false;
  let polls = 0;
  /** What the engine's version was when everything was last looked at. */
  let seenVersion: number | undefined;
  let answeredMs = performance.now();
  const closing = new AbortController();
  const pages = new BlockPages(
    {
      engine,
      find: (id) => stored.get(id) ?? leaving.get(id),
      isPublished: async (id) => (await engine.get(descriptorKey(id))) !== undefined,
      files: parts.disk?.files,
    },
    parts.pageCacheBytes,
  );

  let caughtUp = (): void => undefined;
  const after = new Promise<void>((resolve) => (caughtUp = resolve));
  const warmUp =
    parts.disk?.warmUp &&
    startWarmUp({
      ...parts.disk.warmUp,
      after,
      logger,
      blocks: () => [...announced.values()],
      read: async ({ id }, first, count) =>
        (await pages.read(id, first, count)).reduce((sum, page) => sum + page.length, 0),
    });

  /** The last group that was read, which is not the last that was yielded. */
  let seenGroup = journal.lastGroup;
  const visit = (group: number, lane: number): void => {
    seenGroup = Math.max(seenGroup, group);
    if (!sealed.has(lane)) lanes.set(lane, group);
  };

  async function* recover(): AsyncGenerator<JournalEntry, void, undefined> {
    yield* recoverJournal(engine, journal.floorGroup, sealed, visit);
    lastGroup = seenGroup;
    recovered = true;
    caughtUp();
  }

  /** The journal first and the blocks after it: what moved in between is in a block that is seen. */
  async function* poll(): AsyncGenerator<StorageChange, void, undefined> {
    // Before anything is read: what arrives meanwhile is then looked at again.
    const version = engine.version?.();
    let entries: JournalEntry[] = [];
    let sizeBytes = 0;
    for await (const entry of recoverJournal(engine, lastGroup + 1, sealed, visit)) {
      // Never between two entries of one group: they were committed together.
      const group = entries.at(-1)?.group;
      if (sizeBytes > changeBytes && group !== undefined && group !== entry.group) {
        lastGroup = group;
        yield { entries, lanesSealed: [], blocksAdded: [], blocksRemoved: [], isComplete: false };
        entries = [];
        sizeBytes = 0;
      }
      sizeBytes += entry.entry.length;
      entries.push(entry);
    }
    const lanesSealed = await refreshBlocks();
    const listed = new Map(stored);
    const blocksAdded = [...listed.values()].filter(({ id }) => !announced.has(id));
    const blocksRemoved = [...announced.keys()].filter((id) => !listed.has(id));
    announced = listed;
    // Only now: had a read failed before, the next look would have to begin where this one did.
    lastGroup = seenGroup;
    seenVersion = version;
    polls++;
    answeredMs = performance.now();
    if (polls === 1 || entries.length + lanesSealed.length + blocksAdded.length + blocksRemoved.length > 0) {
      yield { entries, lanesSealed, blocksAdded, blocksRemoved, isComplete: true };
    }
  }

  /** Reads the blocks again if they changed; answers the lanes that are sealed since. */
  async function refreshBlocks(): Promise<number[]> {
    const counters = await readBlockCounters(engine);
    if (counters.changes === changes) return [];
    // Everything is read before anything is changed, because reads can fail; the lanes before the blocks, so that what
    // is in a block by then is in one of those.
    const { floorGroup, sealedLanes } = await readJournalState(engine);
    const fresh = new Map((await readDescriptors(engine)).map((block) => [block.id, block]));
    for (const [id, block] of stored) if (!fresh.has(id)) leave(block);
    stored = fresh;
    changes = counters.changes;
    const gone: number[] = [];
    const seal = (lane: number): void => {
      if (lanes.delete(lane)) gone.push(lane);
      sealed.add(lane);
    };
    for (const block of stored.values()) for (const lane of block.sealedLanes) seal(lane);
    for (const lane of sealedLanes) seal(lane);
    // A block that came and went between two looks: its lanes are behind the journal's first group.
    for (const [lane, group] of [...lanes]) if (group < floorGroup) seal(lane);
    return gone;
  }

  function leave(block: BlockInfo): void {
    leaving.set(block.id, block);
    const timer = setTimeout(() => {
      leaving.delete(block.id);
      pages.forget(block.id);
    }, removalGraceMs);
    timer.unref();
  }

  async function* follow(signal?: AbortSignal): AsyncGenerator<StorageChange, void, undefined> {
    if (!recovered) throw new StorageError('internal', 'recover() must be run to its end before follow()');
    const ended = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    while (!ended.aborted) {
      try {
        yield* poll();
      } catch (thrown) {
        const error = toStorageError(thrown);
        if (ended.aborted) return;
        if (!error.retryable) throw error;
        logger.warn({ err: error }, 'looking for changes failed; it is tried again');
        await pause(pollMs, ended);
        continue;
      }
      await news(ended);
    }
  }

  /**
   * Resolves as soon as the engine has read something newer, and after the interval in any case: two intervals one after
   * the other, the engine's and ours, would make what is read up to twice as old.
   */
  async function news(ended: AbortSignal): Promise<void> {
    const untilMs = performance.now() + pollMs;
    let leftMs = pollMs;
    do {
      await pause(Math.min(leftMs, versionCheckMs), ended);
      leftMs = untilMs - performance.now();
    } while (!ended.aborted && leftMs > 0 && engine.version?.() === seenVersion);
  }

  const health = (): StorageHealth => {
    const oldestPendingCommitAgeMs = 0;
    if (closing.signal.aborted) return { state: 'closed', detail: 'closed', oldestPendingCommitAgeMs };
    const failure = engine.failure();
    if (failure !== undefined) return { state: 'closed', detail: failure.message, oldestPendingCommitAgeMs };
    if (polls === 0) return { state: 'recovering', detail: 'catching up', oldestPendingCommitAgeMs };
    const silentMs = performance.now() - answeredMs;
    if (silentMs > timeoutMs + pollMs) {
      const detail = `no look at the store succeeded for ${Math.round(silentMs)} ms`;
      return { state: 'unavailable', detail, oldestPendingCommitAgeMs };
    }
    return { state: 'ok', detail: 'ok', oldestPendingCommitAgeMs };
  };

  return {
    blocks: {
      list: () => [...announced.values()].sort((a, b) => a.id - b.id),
      readPages: (blockId, first, count, signal) => pages.read(blockId, first, count, signal),
    },
    meta: metaReads(engine),
    get lastGroup() {
      return lastGroup;
    },
    recover,
    follow,
    health,
    checkReadable: async () => {
      const { state, detail } = health();
      if (state !== 'ok' && state !== 'recovering') throw new StorageError('unavailable', detail);
      await withDeadline(engine.get(stateKey('format')), readCheckMs, 'read check');
    },
    probe: () => withDeadline(engine.probe(), readCheckMs, 'read check'),
    cacheWarm: warmUp?.done ?? Promise.resolve(),
    get lookAgeMs() {
      return polls === 0 ? undefined : performance.now() - answeredMs;
    },
    metrics: () => [
      ...bridgeMetrics(engine.metrics()),
      gaugeFamily('storage_blocks', 'Published blocks.', announced.size),
      gaugeFamily('storage_journal_last_group', 'The last commit group that was read.', lastGroup),
      gaugeFamily('storage_page_cache_bytes', 'Bytes in the cache of pages.', pages.stats.bytes),
      counterFamily('storage_page_cache_hits_total', 'Pages found in the cache.', pages.stats.hits),
      counterFamily(
        'storage_page_cache_misses_total',
        'Pages read from the disk cache or the store.',
        pages.stats.misses,
      ),
      ...pageFilesMetrics(parts.disk?.files),
      ...(warmUp?.metrics() ?? []),
      counterFamily('storage_reader_polls_total', 'Successful looks for changes.', polls),
      gaugeFamily('storage_up', '1 while the storage works.', health().state === 'ok' ? 1 : 0),
    ],
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      warmUp?.stop();
      await parts.disk?.release();
      // Closing takes the reader's checkpoint back; one that is left ends by itself.
      await withDeadline(engine.close(), leaveTimeoutMs, 'closing');
    },
  };
}

function pageFilesMetrics(files: PageFiles | undefined): MetricFamily[] {
  if (files === undefined) return [];
  const { bytes, hits, misses } = files.stats;
  return [
    gaugeFamily('storage_disk_cache_bytes', 'Bytes of pages in the disk cache.', bytes),
    counterFamily('storage_disk_cache_hits_total', 'Pages found in the disk cache.', hits),
    counterFamily('storage_disk_cache_misses_total', 'Pages read from the store.', misses),
  ];
}
