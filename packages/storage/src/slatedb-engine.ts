import {
  type Db,
  DbBuilder,
  type DefaultMetricsRecorder,
  FlushType,
  type ObjectStore,
  Settings,
  WriteBatch,
} from '@slatedb/uniffi';
import { settled, withDeadline, yieldToLoop } from './deadline.ts';
import type { Engine, EngineOp, EngineWriteOptions } from './engine.ts';
import { StorageError } from './errors.ts';
import { stateKey } from './keys.ts';
import { settingsAssignments } from './settings.ts';
import {
  engineMetrics,
  fromCloseReason,
  fromNative,
  getRow,
  probeStore,
  type SlateTarget,
  scanRows,
} from './slatedb.ts';
import { largeRowBytes, largeRowPut } from './slatedb-large-rows.ts';
import { type OpenSlate, openSlate, type SlateOpenOptions } from './slatedb-open.ts';
import { isNewestInLog, longestStandstillMs, mark, watchForStandstill } from './slatedb-standstill.ts';

export interface SlateEngineOptions extends SlateOpenOptions {
  /** Values for SlateDB, nested as in its settings file, already validated. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** How much the engine may hold in memory, not yet in its sorted files, before writes wait; bytes. */
  readonly memoryLimitBytes: number;
  /** After how many commits the log's content goes into a sorted file, so that the next opening replays no more. */
  readonly commitsPerTable: number;
  /**
   * The engine's own cache, up to 640 MiB: it takes what is written as well as what is read. Worth it where a read of an
   * index is a request to a bucket; our pages have a cache above the engine.
   */
  readonly blockCache: boolean;
  /** Nothing is there yet, and so nothing in the log: default false. */
  readonly isNew?: boolean;
  /** Called after every flush, before the write counts as durable. */
  readonly afterFlush?: (() => Promise<void>) | undefined;
}

/**
 * SlateDB spins for ever when its own backpressure meets two writes at once, so its limit is put out of reach; the
 * configured limit is kept by the journal's admission and by {@link SlateEngineOptions.memoryLimitBytes}.
 */
const unreachableUnflushedBytes = 8 * 1024 ** 3;
const writeOptions = { await_durable: false };
/** A row that says nothing. */
const tickKey = stateKey('tick');
const rowsBetweenYields = 64;
const timeBetweenYieldsMs = 5;
const memoryPollMs = 50;
/** The engine is asked for its memory after so many bytes only: asking costs as much as writing a row. */
const bytesBetweenMemoryChecks = 1024 * 1024;

/** No log is as long as this, in bytes. */
const unreachableTableBytes = 1024 ** 4;

/** Opens the database as its one writer, which fences any other. */
export async function openSlateEngine(target: SlateTarget, options: SlateEngineOptions): Promise<Engine> {
  if (options.isNew !== true) await emptyLog(target, options);
  return slateEngine(await openDb(target, options), target, options);
}

/**
 * Puts what is in the log into one sorted file. SlateDB 0.12 replays a log that is longer than a table into several of
 * them, and when the first is written it notes that the log is done with up to the last (slatedb/slatedb#1625): a crash
 * before the others are written would lose what is in them. With tables of any size there is only one.
 */
async function emptyLog(target: SlateTarget, options: SlateEngineOptions): Promise<void> {
  const settings = { ...options.settings, l0_sst_size_bytes: unreachableTableBytes };
  const { db, release } = await openDb(target, { ...options, settings });
  const emptied = db.flush_with_options({ flush_type: FlushType.MemTable }).finally(() => db.shutdown());
  void settled(emptied).then(() => {
    db.dispose();
    release();
  });
  try {
    await withDeadline(emptied, options.openDeadlineMs, `replaying the log of ${target.description}`);
  } catch (error) {
    throw fromNative(error);
  }
}

function openDb(target: SlateTarget, options: SlateEngineOptions): Promise<OpenSlate<Db>> {
  return openSlate(target, options, `opening ${target.description}`, async (store, recorder) => {
    const builder = new DbBuilder(target.path, store);
    const settings = engineSettings(options.settings);
    try {
      builder.with_settings(settings);
      builder.with_metrics_recorder(recorder);
      if (!options.blockCache) builder.with_db_cache_disabled();
      return await builder.build();
    } finally {
      settings.dispose();
      builder.dispose();
    }
  });
}

function engineSettings(values: Readonly<Record<string, unknown>>): Settings {
  const settings = Settings.default();
  for (const [path, json] of settingsAssignments(values)) settings.set(path, json);
  // It would take the journal, descriptors and the format row away.
  settings.set('default_ttl', 'null');
  settings.set('max_unflushed_bytes', String(unreachableUnflushedBytes));
  return settings;
}

function slateEngine(
  { db, store, recorder, release }: OpenSlate<Db>,
  target: SlateTarget,
  options: SlateEngineOptions,
): Engine {
  const { deadlineMs, afterFlush, memoryLimitBytes } = options;
  let underWay = 0;
  /** Why the last write failed that was not repeated. */
  let failed: StorageError | undefined;
  let last: { readonly applied: Promise<void>; readonly durable: Promise<void> } | undefined;
  let closed = false;
  let commits = 0;
  let bytesUntilMemoryCheck = 0;
  let tableFlush: Promise<void> | undefined;
  let tableFailure: unknown;

  /** What is done to the table in memory, one after the other: a batch is put into it, or it is ended. */
  let lastStep: Promise<unknown> | undefined;
  const onTable = <Result>(step: () => Promise<Result>): Promise<Result> => {
    const done = settled(lastStep).then(step);
    lastStep = done;
    return done;
  };

  /** Rows that were deleted before are left out of the sorted file that is written in the background. */
  const endTable = (): void => {
    tableFlush ??= onTable(() => endTableOf(db))
      .then(({ written }) => written)
      .catch((error: unknown) => {
        // The next write meets it.
        tableFailure = error;
      })
      .finally(() => {
        tableFlush = undefined;
      });
  };

  const standstillMs = longestStandstillMs(options.settings);
  const watch = watchForStandstill(standstillMs);
  /** Another writer may have come and gone unnoticed: nothing is acknowledged before it is known that none has. */
  let isDoubtful = false;
  let proof: Promise<void> | undefined;
  const proveOwnership = (): Promise<void> => {
    if (proof !== undefined) return proof;
    isDoubtful = false;
    proof = onTable(() => markLog(db, store, target, afterFlush))
      .catch((error: unknown) => {
        isDoubtful = true;
        throw error;
      })
      .finally(() => {
        proof = undefined;
      });
    return proof;
  };

  /** Puts the operations into the table and the log in memory, behind those of the write before. */
  const apply = async (ops: readonly EngineOp[], before: Promise<void> | undefined): Promise<void> => {
    const batch = new WriteBatch();
    try {
      await fillBatch(batch, ops);
      await before;
      await onTable(async () => {
        if (tableFailure !== undefined) throw tableFailure;
        for (const { value } of ops) bytesUntilMemoryCheck -= value?.length ?? 0;
        if (bytesUntilMemoryCheck <= 0) {
          bytesUntilMemoryCheck = bytesBetweenMemoryChecks;
          await waitForMemory(db, recorder, memoryLimitBytes);
        }
        await db.write_with_options(batch, writeOptions);
      });
    } finally {
      batch.dispose();
    }
  };

  const makeDurable = async (
    applied: Promise<void>,
    before: Promise<void> | undefined,
    endsTable: boolean,
  ): Promise<void> => {
    try {
      await applied;
      await settled(before);
      const startedMs = performance.now();
      await db.flush();
      await afterFlush?.();
      if (watch.stoodStill() || performance.now() - startedMs > standstillMs) isDoubtful = true;
      while (isDoubtful || proof !== undefined) await proveOwnership();
      if (++commits >= options.commitsPerTable || endsTable) {
        commits = 0;
        endTable();
      }
    } catch (error) {
      tableFailure = undefined;
      failed = fromNative(error);
      throw failed;
    } finally {
      if (--underWay === 0) last = undefined;
    }
  };

  const write = async (
    ops: readonly EngineOp[],
    { endsTable = false, repeats = false }: EngineWriteOptions = {},
  ): Promise<void> => {
    if (repeats) failed = undefined;
    if (failed !== undefined) throw failed;
    if (underWay === 2) throw new StorageError('internal', 'three writes at a time: the engine must have one writer');
    underWay++;
    const applied = apply(ops, last?.applied);
    const durable = makeDurable(applied, last?.durable, endsTable);
    last = { applied, durable };
    await durable;
  };

  return {
    write,
    overlaps: true,
    get: (key) => getRow(db, key, deadlineMs),
    scan: (range, scanOptions = {}) => scanRows(db, range, scanOptions, deadlineMs),
    failure: () =>
      closed ? new StorageError('closed', 'the database is closed') : fromCloseReason(db.status().close_reason, ''),
    metrics: () => (closed ? [] : engineMetrics(recorder)),
    probe: () => probeStore(store, target, deadlineMs),
    close: async ({ isLost = false } = {}) => {
      if (closed) return;
      closed = true;
      watch.stop();
      try {
        if (!isLost) {
          await tableFlush;
          // So that the next opening has nothing to replay.
          await onTable(() => db.flush_with_options({ flush_type: FlushType.MemTable })).catch(() => undefined);
        }
        await db.shutdown();
      } catch (error) {
        throw fromNative(error);
      } finally {
        db.dispose();
        release();
      }
    },
  };
}

/**
 * Ends the table in memory; what is put in afterwards is in the next one. Nothing may be put in meanwhile. SlateDB 0.12
 * gives a batch to its log first and to its table then, and notes with a table up to where the log is done with: a table
 * that ends in between, when the log's part is written already, lacks a batch that no crash brings back
 * (slatedb/slatedb#1857). Under its binding for Node, where one thread puts batches in and writes the log, that should
 * not happen; it is not to depend on that. A table that ends by its size does so behind a batch.
 *
 * A flush of the table first writes the log, and ends the table when its future is polled again. A flush of the log that
 * is asked for behind it is answered behind that: then the table has ended.
 */
async function endTableOf(db: Db): Promise<{ readonly written: Promise<void> }> {
  const written = db.flush_with_options({ flush_type: FlushType.MemTable });
  written.catch(() => undefined);
  await db.flush();
  return { written };
}

async function fillBatch(batch: WriteBatch, ops: readonly EngineOp[]): Promise<void> {
  const putLarge = largeRowPut();
  /** Large rows that are being put by other threads, by their keys: whatever else the batch does to one comes after. */
  const elsewhere = new Map<string, Promise<void>>();
  let rows = 0;
  let turnStartedMs = performance.now();
  for (const { key, value } of ops) {
    if (elsewhere.size > 0 && elsewhere.has(textOfKey(key))) {
      await Promise.all(elsewhere.values());
      elsewhere.clear();
    }
    if (value === undefined) batch.delete(key);
    else if (putLarge !== undefined && value.length >= largeRowBytes) {
      const put = putLarge(batch, key, value);
      put.catch(() => undefined);
      elsewhere.set(textOfKey(key), put);
    } else batch.put(key, value);
    if (++rows % rowsBetweenYields === 0 || performance.now() - turnStartedMs > timeBetweenYieldsMs) {
      await yieldToLoop();
      turnStartedMs = performance.now();
    }
  }
  await Promise.all(elsewhere.values());
}

function textOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/**
 * Waits while the engine holds too much that is not in its sorted files yet (the object store is slower than we are).
 * Its gauge moves on writes only, so an empty row is written to see it move.
 */
async function waitForMemory(db: Db, recorder: DefaultMetricsRecorder, limitBytes: number): Promise<void> {
  while (unflushedBytes(recorder) > limitBytes) {
    await new Promise((resolve) => setTimeout(resolve, memoryPollMs));
    await putTick(db, new Uint8Array(0));
  }
}

async function putTick(db: Db, value: Uint8Array): Promise<void> {
  const batch = new WriteBatch();
  try {
    batch.put(tickKey, value);
    await db.write_with_options(batch, writeOptions);
  } finally {
    batch.dispose();
  }
}

/**
 * Finds out whether the log is still ours, by a row in it.
 * @throws StorageError `fenced` where it is another writer's
 */
async function markLog(
  db: Db,
  store: ObjectStore,
  target: SlateTarget,
  afterFlush: SlateEngineOptions['afterFlush'],
): Promise<void> {
  const value = mark();
  await putTick(db, value);
  await db.flush();
  await afterFlush?.();
  if (!(await isNewestInLog(store, target, tickKey, value))) throw fromCloseReason('Fenced', '');
}

function unflushedBytes(recorder: DefaultMetricsRecorder): number {
  const metric = recorder.metric_by_name_and_labels('slatedb.db.total_mem_size_bytes', []);
  return metric?.value.tag === 'Gauge' ? Number(metric.value['']) : 0;
}
