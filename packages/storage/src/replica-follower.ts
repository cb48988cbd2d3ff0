import { Backoff } from './backoff.ts';
import { pause } from './deadline.ts';
import { isStorageError, StorageError, toStorageError } from './errors.ts';
import type { Logger } from './logger.ts';
import { counterFamily, gaugeFamily, type MetricFamily } from './metrics.ts';
import type { ReadOnlyStorage, StorageChange } from './read-only-storage.ts';
import type { StorageHealth } from './storage.ts';

/** What a database has built of the storage that it follows. */
export interface ReplicaState {
  /**
   * Takes what is new.
   * @throws anything where it cannot be followed: everything is then read anew beside what there is
   */
  apply(change: StorageChange): void | Promise<void>;
  /** It has caught up: from now on reads see it, and no longer what there was before it. */
  show(): void;
}

export interface ReplicaFollowerOptions {
  readonly logger: Logger;
  /** Opens the writer's database. */
  readonly open: () => Promise<ReadOnlyStorage>;
  /** Reads what there is, up to the end of {@link ReadOnlyStorage.recover}. Nothing of it may be seen by reads yet. */
  readonly load: (storage: ReadOnlyStorage) => Promise<ReplicaState>;
  /** How often the changes are looked at, ms. */
  readonly refreshMs: number;
  /** How often the store itself is asked whether it answers, ms. Default: 5000, or the refresh interval if longer. */
  readonly probeMs?: number;
  /** How long reads that began before everything was read anew have to finish, ms. Default 30000. */
  readonly retireMs?: number;
  /** The configuration cannot work; nothing is tried any more. */
  readonly onFatal?: (error: StorageError) => void;
}

/** A replica of a database that another process writes, kept up to date for ever. */
export interface ReplicaFollower {
  /** Resolves when the replica has caught up for the first time; rejects when it is closed or cannot work. */
  readonly caughtUp: Promise<void>;
  health(): StorageHealth;
  /** A real look at the object store. @throws StorageError `unavailable` with the reason */
  checkReadable(): Promise<void>;
  /** How old what reads see may be, ms; undefined before the replica has caught up. */
  lagMs(): number | undefined;
  metrics(): MetricFamily[];
  close(): Promise<void>;
}

const firstRetryMs = 500;
const longestRetryMs = 10_000;
/** A reader that gets nothing although the store answers is opened anew after this time. */
const stuckMs = 60_000;

/**
 * Follows a writer through everything that may happen to it: not there yet, stopped, replaced, its store out of reach.
 * What cannot be followed step by step is read anew beside what reads see, and takes its place when it has caught up.
 */
export function followWriter(options: ReplicaFollowerOptions): ReplicaFollower {
  const { logger, refreshMs, retireMs = 30_000, probeMs = Math.max(5000, refreshMs) } = options;
  const closing = new AbortController();
  const retiring = new Map<ReadOnlyStorage, NodeJS.Timeout>();
  let shown: ReadOnlyStorage | undefined;
  let opening: ReadOnlyStorage | undefined;
  /** Why changes are not followed now. */
  let trouble: string | undefined = 'opening the database of the writer';
  let probeTrouble: string | undefined;
  let lastProbeMs = performance.now();
  let rebuilds = 0;
  let fatal: StorageError | undefined;
  let resolveFirst: () => void;
  let rejectFirst: (error: StorageError) => void;
  const caughtUp = new Promise<void>((resolve, reject) => {
    resolveFirst = resolve;
    rejectFirst = reject;
  });
  caughtUp.catch(ignore);

  function retire(storage: ReadOnlyStorage): void {
    const end = (): void => {
      retiring.delete(storage);
      storage.close().catch((error: unknown) => logger.debug({ err: error }, 'closing an old reader failed'));
    };
    retiring.set(storage, setTimeout(end, retireMs).unref());
  }

  /** One time through: open, read everything, follow until something fails. */
  async function incarnation(): Promise<void> {
    const startedMs = performance.now();
    const storage = await unlessAborted(options.open(), closing.signal, (late) => void late.close().catch(ignore));
    if (storage === undefined) return;
    opening = storage;
    const stuck = new AbortController();
    const signal = AbortSignal.any([closing.signal, stuck.signal]);
    const watch = setInterval(() => {
      const isSilent = (storage.lookAgeMs ?? 0) > stuckMs + refreshMs;
      if (isSilent && probeTrouble === undefined) stuck.abort();
    }, 1000).unref();
    try {
      const state = await options.load(storage);
      for await (const change of storage.follow(signal)) {
        await state.apply(change);
        if (closing.signal.aborted) return;
        if (opening !== storage || !change.isComplete) continue;
        opening = undefined;
        state.show();
        if (shown !== undefined) retire(shown);
        shown = storage;
        trouble = undefined;
        const tookMs = Math.round(performance.now() - startedMs);
        logger.info({ tookMs, journalGroup: storage.lastGroup }, 'the replica has caught up with the writer');
        resolveFirst();
      }
      if (stuck.signal.aborted) throw new StorageError('unavailable', 'the reader got stuck');
    } finally {
      clearInterval(watch);
      if (opening === storage) {
        opening = undefined;
        await storage.close().catch(ignore);
      }
    }
  }

  async function run(): Promise<void> {
    const backoff = new Backoff(firstRetryMs, longestRetryMs);
    while (!closing.signal.aborted) {
      const before = shown;
      let retryMs: number;
      try {
        await incarnation();
        retryMs = backoff.failed();
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = toStorageError(thrown);
        trouble = error.message;
        if (error.code === 'config' && shown === undefined) {
          fatal = error;
          rejectFirst(error);
          options.onFatal?.(error);
          return;
        }
        rebuilds++;
        if (shown !== before) backoff.succeeded();
        retryMs = backoff.failed();
        logger.warn({ err: error, retryMs }, 'the writer cannot be followed; its database is opened again');
      }
      await pause(retryMs, closing.signal);
    }
  }

  async function probe(): Promise<void> {
    if (shown === undefined) return;
    try {
      await shown.probe();
      if (probeTrouble !== undefined) logger.info({}, 'the object store answers again');
      probeTrouble = undefined;
      lastProbeMs = performance.now();
    } catch (error) {
      const { message } = toStorageError(error);
      if (probeTrouble === undefined) logger.warn({ err: error }, 'the object store does not answer');
      probeTrouble = message;
    }
  }

  async function probeForEver(): Promise<void> {
    while (!closing.signal.aborted) {
      await pause(probeMs, closing.signal);
      await probe();
    }
  }

  const running = Promise.all([run(), probeForEver()]);

  const lagMs = (): number | undefined => {
    const lookMs = shown?.lookAgeMs;
    if (lookMs === undefined) return undefined;
    // What is answered from memory while the store is silent is as old as its last answer.
    return probeTrouble === undefined ? lookMs : Math.max(lookMs, performance.now() - lastProbeMs);
  };

  const health = (): StorageHealth => {
    const answer = (state: StorageHealth['state'], detail: string): StorageHealth => ({
      state,
      detail,
      oldestPendingCommitAgeMs: 0,
    });
    if (closing.signal.aborted) return answer('closed', 'closed');
    if (fatal !== undefined) return answer('unavailable', fatal.message);
    if (shown === undefined) return answer('recovering', `waiting for the writer's database: ${trouble}`);
    if (trouble !== undefined) return answer('unavailable', `the writer cannot be followed: ${trouble}`);
    if (probeTrouble !== undefined) return answer('unavailable', probeTrouble);
    return shown.health();
  };

  return {
    caughtUp,
    health,
    async checkReadable() {
      const { state, detail } = health();
      if (state !== 'ok' || shown === undefined) throw new StorageError('unavailable', detail);
      await shown.checkReadable();
    },
    lagMs,
    metrics: () => [
      ...(shown?.metrics() ?? []),
      gaugeFamily('replica_caught_up', '1 while the writer is followed.', health().state === 'ok' ? 1 : 0),
      gaugeFamily(
        'replica_lag_seconds',
        'Time since the replica last saw everything that the writer had made durable.',
        (lagMs() ?? Number.NaN) / 1000,
      ),
      counterFamily('replica_reopenings_total', 'How often the database of the writer was opened again.', rebuilds),
    ],
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      rejectFirst(new StorageError('closed', 'the replica is closed'));
      for (const timer of retiring.values()) clearTimeout(timer);
      const storages = [...retiring.keys(), shown, opening].filter((storage) => storage !== undefined);
      const results = await Promise.allSettled(storages.map((storage) => storage.close()));
      await running;
      for (const result of results) {
        if (result.status === 'rejected' && isStorageError(result.reason)) {
          logger.debug({ err: result.reason }, 'closing the reader failed');
        }
      }
    },
  };
}

const ignore = (): void => undefined;

/** Undefined as soon as the signal aborts; what comes of the promise later is handed to `late`. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, late: (result: T) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      promise.then(late, ignore);
      resolve(undefined);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', abort);
    promise.then(resolve, reject).finally(settled);
  });
}
