import { type StorageConfig, StorageError } from '@opendata/storage';
import type { LogReader, ScanOptions } from './db.ts';
import { mergeKeys } from './key-merge.ts';
import type { KeyedRecord, LogRecord } from './model.ts';
import type { ReadOptions } from './ordered-reader.ts';
import type { KeyListOptions } from './reader.ts';
import { openLogReader, type ReplicaLogOptions } from './replica-log.ts';
import type { LogSelection } from './selection.ts';

/** Where to begin in each log, by path: its sequence. Logs that are not named are read from their beginning. */
export type UnionPositions = ReadonlyMap<string, number>;

/** How the records of several logs are read together. */
export interface UnionReadOptions {
  readonly start?: UnionPositions | undefined;
  /** Only records that arrived at this time or later, ms since 1970. */
  readonly startTimeMs?: number | undefined;
  /** Wait for further records at the end; default false. */
  readonly follow?: boolean | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

/** A record, and the path of the log that it is in. Its sequence is that log's. */
export type OfLog<R extends LogRecord> = R & { readonly path: string };

/**
 * The logs of several writers on one store. Each keeps its own sequence, so a record is told by path and sequence;
 * between logs records are in the order of their arrival, as far as the clocks of the writers agree.
 */
export interface LogUnion extends AsyncDisposable {
  /** By path; each can be read on its own. */
  readonly logs: ReadonlyMap<string, LogReader>;
  /** The records of `key` in all logs. With `follow` they come as they are seen, those of one log in its order. */
  scan(key: Uint8Array, options?: UnionReadOptions): AsyncGenerator<OfLog<LogRecord>, void, undefined>;
  /** Records of many keys, or of all, likewise. */
  read(selection?: LogSelection, options?: UnionReadOptions): AsyncGenerator<OfLog<KeyedRecord>, void, undefined>;
  /** Number of records of `key`, in all logs together. */
  count(key: Uint8Array): Promise<number>;
  /** Distinct keys of all logs, in the order of their bytes. */
  keys(options?: Pick<KeyListOptions, 'prefix' | 'after'>): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

/**
 * Opens the logs of several writers on one store, as {@link openLogReader} opens one, and fences none of them.
 * @param paths of the logs; the `path` of the configuration is not used
 * @throws StorageError config
 */
export async function openLogReaders(
  config: StorageConfig,
  paths: readonly string[],
  options: ReplicaLogOptions = {},
): Promise<LogUnion> {
  if (config.type !== 'SlateDb') throw new StorageError('config', 'a log in memory has no path');
  if (paths.length === 0 || new Set(paths).size < paths.length) {
    throw new StorageError('config', 'expected paths of logs, each of them once');
  }
  const opened = await Promise.allSettled(paths.map((path) => openLogReader({ ...config, path }, options)));
  const readers = opened.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(readers.map((reader) => reader.close()));
    throw failed.reason;
  }
  return unionOf(new Map(paths.map((path, i) => [path, readers[i]!])));
}

function unionOf(logs: ReadonlyMap<string, LogReader>): LogUnion {
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(logs.values(), (log) => log.close()));
  };
  const readAll = <R extends LogRecord>(
    options: UnionReadOptions,
    read: (log: LogReader, options: ScanOptions & ReadOptions) => AsyncIterableIterator<R>,
  ): AsyncGenerator<OfLog<R>, void, undefined> => {
    const { start, startTimeMs, follow = false, signal } = options;
    const ended = new AbortController();
    const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    const sources = Array.from(logs, ([path, log]) => {
      const records = read(log, { start: start?.get(path) ?? 0, startTimeMs, follow, signal: either });
      return withPath(path, records);
    });
    return follow ? asTheyCome(sources, ended) : inOrderOfArrival(sources);
  };
  return {
    logs,
    scan: (key, options = {}) => readAll(options, (log, own) => log.scan(key, own)),
    read: (selection = {}, options = {}) => readAll(options, (log, own) => log.read(selection, own)),
    count: async (key) => {
      const counts = await Promise.all(Array.from(logs.values(), (log) => log.count(key)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    keys: (options = {}) => mergeKeys(Array.from(logs.values(), (log) => generated(log.keys(options)))),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function* generated<T>(items: AsyncIterableIterator<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

async function* withPath<R extends LogRecord>(
  path: string,
  records: AsyncIterableIterator<R>,
): AsyncGenerator<OfLog<R>, void, undefined> {
  for await (const record of records) yield { ...record, path };
}

/** The record that arrived first is next; of two at the same time that of the earlier log. */
async function* inOrderOfArrival<R extends LogRecord>(
  sources: readonly AsyncGenerator<R, void, undefined>[],
): AsyncGenerator<R, void, undefined> {
  try {
    const heads = await Promise.all(sources.map((source) => source.next()));
    for (;;) {
      let first = -1;
      for (const [i, { done, value }] of heads.entries()) {
        if (done !== true && (first < 0 || value.arrivalTimeMs < heads[first]!.value!.arrivalTimeMs)) first = i;
      }
      if (first < 0) return;
      yield heads[first]!.value!;
      heads[first] = await sources[first]!.next();
    }
  } finally {
    await Promise.all(sources.map((source) => source.return()));
  }
}

async function* asTheyCome<R extends LogRecord>(
  sources: readonly AsyncGenerator<R, void, undefined>[],
  ended: AbortController,
): AsyncGenerator<R, void, undefined> {
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (waiting.size > 0) {
      const { source, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(source);
      else {
        // Behind the others, so that a log with many records does not keep them back.
        waiting.delete(source);
        yield result.value;
        waiting.set(source, next(source));
      }
    }
  } finally {
    ended.abort();
    await Promise.all(sources.map((source) => source.return()));
  }
}

async function next<R>(source: AsyncGenerator<R, void, undefined>) {
  return { source, result: await source.next() };
}
