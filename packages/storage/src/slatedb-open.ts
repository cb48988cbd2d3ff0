import { type Db, type DbReader, DefaultMetricsRecorder, type ObjectStore } from '@slatedb/uniffi';
import { settled, withDeadline } from './deadline.ts';
import { fromNative, probeStore, resolveStore, type SlateTarget } from './slatedb.ts';

/** How a database is opened, for writing or for reading. */
export interface SlateOpenOptions {
  /** Deadline of a look at the store. */
  readonly deadlineMs: number;
  /** Deadline of opening: replaying a long write-ahead log takes its time. */
  readonly openDeadlineMs: number;
  /** Whether the store is worth a look before opening, because a wrong one would hang. */
  readonly preflight: boolean;
  /** An object store that is already open (tests: several engines on one memory store). */
  readonly store?: ObjectStore | undefined;
}

export interface OpenSlate<Database> {
  readonly db: Database;
  readonly store: ObjectStore;
  readonly recorder: DefaultMetricsRecorder;
  /** Disposes the recorder, and the store unless it was given. The database must be shut down before. */
  release(): void;
}

/**
 * Opens a database with what it needs beside it.
 * @param what is said of an opening that is not answered
 * @throws StorageError
 */
export async function openSlate<Database extends Db | DbReader>(
  target: SlateTarget,
  options: SlateOpenOptions,
  what: string,
  build: (store: ObjectStore, recorder: DefaultMetricsRecorder) => Promise<Database>,
): Promise<OpenSlate<Database>> {
  const store = options.store ?? resolveStore(target);
  const recorder = new DefaultMetricsRecorder();
  const release = (): void => {
    recorder.dispose();
    if (options.store === undefined) store.dispose();
  };
  let opening: Promise<Database> | undefined;
  try {
    if (options.preflight) await probeStore(store, target, options.deadlineMs);
    opening = build(store, recorder);
    const abandon = (late: Database): void => void late.shutdown().catch(() => undefined);
    return { db: await withDeadline(opening, options.openDeadlineMs, what, abandon), store, recorder, release };
  } catch (error) {
    // An opening that is given up goes on, and panics without what it was given.
    void settled(opening).then(release);
    throw fromNative(error);
  }
}
