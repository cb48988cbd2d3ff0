import { type DbReader, DbReaderBuilder } from '@slatedb/uniffi';
import { settled, withDeadline } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import {
  engineMetrics,
  fromCloseReason,
  fromNative,
  getRow,
  probeStore,
  type SlateTarget,
  scanRows,
} from './slatedb.ts';
import { type OpenSlate, openSlate, type SlateOpenOptions } from './slatedb-open.ts';

export interface SlateReaderOptions extends SlateOpenOptions {
  /** How often the reader looks for what the writer committed. */
  readonly pollMs: number;
  /** Whether what is in the log alone is to be read as well. Default true. */
  readonly replaysLog?: boolean;
}

/** The reader keeps what it uses from the writer's clean-up for this long at a time. */
const checkpointLifetimeMs = 600_000;
const memtableBytes = 64 * 1024 * 1024;

/** Opens the database for reading, beside its writer, which is not fenced. */
export async function openSlateReader(target: SlateTarget, options: SlateReaderOptions): Promise<EngineReader> {
  const what = `opening ${target.description} for reading`;
  const opened = await openSlate(target, options, what, async (store, recorder) => {
    const builder = new DbReaderBuilder(target.path, store);
    try {
      builder.with_options({
        manifest_poll_interval_ms: BigInt(Math.max(1, options.pollMs)),
        checkpoint_lifetime_ms: BigInt(Math.max(checkpointLifetimeMs, 4 * options.pollMs)),
        max_memtable_bytes: BigInt(memtableBytes),
        skip_wal_replay: options.replaysLog === false,
      });
      builder.with_metrics_recorder(recorder);
      return await builder.build();
    } finally {
      builder.dispose();
    }
  });
  return slateReader(opened, target, options);
}

function slateReader(
  { db: reader, store, recorder, release }: OpenSlate<DbReader>,
  target: SlateTarget,
  { deadlineMs }: SlateReaderOptions,
): EngineReader {
  let closed = false;
  return {
    get: (key) => getRow(reader, key, deadlineMs),
    scan: (range, options = {}) => scanRows(reader, range, options, deadlineMs),
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
        release();
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
