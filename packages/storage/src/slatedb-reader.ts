import { type DbReader, DbReaderBuilder, DefaultMetricsRecorder, type ObjectStore } from '@slatedb/uniffi';
import { settled, withDeadline } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import {
  engineMetrics,
  fromCloseReason,
  fromNative,
  getRow,
  probeStore,
  resolveStore,
  type SlateTarget,
  scanRows,
} from './slatedb.ts';

export interface SlateReaderOptions {
  readonly deadlineMs: number;
  readonly openDeadlineMs: number;
  /** How often the reader looks for what the writer committed. */
  readonly pollMs: number;
  readonly nowMs: () => number;
  readonly preflight: boolean;
  /** An object store that is already open (tests: writer and reader on one memory store). */
  readonly store?: ObjectStore | undefined;
}

/** The reader keeps what it uses from the writer's clean-up for this long at a time. */
const checkpointLifetimeMs = 600_000;
const memtableBytes = 64 * 1024 * 1024;

/** Opens the database for reading, beside its writer, which is not fenced. */
export async function openSlateReader(target: SlateTarget, options: SlateReaderOptions): Promise<EngineReader> {
  const store = options.store ?? resolveStore(target);
  const recorder = new DefaultMetricsRecorder();
  const builder = new DbReaderBuilder(target.path, store);
  let opening: Promise<DbReader> | undefined;
  try {
    if (options.preflight) await probeStore(store, target, options.deadlineMs);
    builder.with_options({
      manifest_poll_interval_ms: BigInt(Math.max(1, options.pollMs)),
      checkpoint_lifetime_ms: BigInt(Math.max(checkpointLifetimeMs, 4 * options.pollMs)),
      max_memtable_bytes: BigInt(memtableBytes),
      skip_wal_replay: false,
    });
    builder.with_metrics_recorder(recorder);
    const abandon = (late: DbReader): void => void late.shutdown().catch(() => undefined);
    opening = builder.build();
    const reader = await withDeadline(
      opening,
      options.openDeadlineMs,
      `opening ${target.description} for reading`,
      abandon,
    );
    return slateReader(reader, store, recorder, target, options);
  } catch (error) {
    // An opening that is given up goes on, and panics without what it was given.
    void settled(opening).then(() => {
      recorder.dispose();
      if (options.store === undefined) store.dispose();
    });
    throw fromNative(error);
  } finally {
    builder.dispose();
  }
}

function slateReader(
  reader: DbReader,
  store: ObjectStore,
  recorder: DefaultMetricsRecorder,
  target: SlateTarget,
  { deadlineMs, nowMs, store: shared }: SlateReaderOptions,
): EngineReader {
  let closed = false;
  return {
    get: (key) => getRow(reader, key, nowMs, deadlineMs),
    scan: (range, options = {}) => scanRows(reader, range, options, nowMs, deadlineMs),
    failure: () =>
      closed ? new StorageError('closed', 'the database is closed') : fromCloseReason(reader.status().close_reason, ''),
    version: () => (closed ? 0 : Number(reader.status().durable_seq)),
    metrics: () => (closed ? [] : engineMetrics(recorder)),
    probe: () => probeStore(store, target, deadlineMs),
    close: async () => {
      if (closed) return;
      closed = true;
      const closing = reader.shutdown();
      const disposed = settled(closing).then(() => {
        reader.dispose();
        recorder.dispose();
        if (shared === undefined) store.dispose();
      });
      try {
        await withDeadline(closing, deadlineMs, 'closing');
        await disposed;
      } catch (error) {
        throw fromNative(error);
      }
    },
  };
}
