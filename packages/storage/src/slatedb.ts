/*
 * What the writing and the reading SlateDB engine share: resolving a store, reading rows, errors and metrics.
 * Only files named slatedb*.ts import the binding; none of its types leaves them.
 */
import {
  type CloseReason,
  type Db,
  type DbIterator,
  type DbReader,
  type DefaultMetricsRecorder,
  DurabilityLevel,
  IterationOrder,
  type Metric,
  ObjectStore,
  WalReader,
} from '@slatedb/uniffi';
import { withDeadline, yieldToLoop } from './deadline.ts';
import type { EngineMetric, EngineRow, KeyRange, ScanOptions } from './engine.ts';
import { StorageError, toStorageError } from './errors.ts';
import type { ObjectStoreTarget } from './object-store.ts';
import { storeFailureOfMessage } from './store-failure.ts';

/** Where a database lives, in the terms of the engine. */
export type SlateTarget = Pick<ObjectStoreTarget, 'url' | 'path' | 'env' | 'description'>;

const readAheadDefaultBytes = 1024 * 1024;
const fetchTasks = 4n;
const rowsBetweenYields = 64;
const timeBetweenYieldsMs = 5;

const readOptions = { durability_filter: DurabilityLevel.Memory, dirty: false, cache_blocks: true } as const;

/** An object store that several engines may share; dispose it after them. */
export function resolveStore(target: SlateTarget): ObjectStore {
  const before = new Map<string, string | undefined>();
  for (const [name, value] of Object.entries(target.env)) {
    before.set(name, process.env[name]);
    setEnvironment(name, value);
  }
  try {
    return ObjectStore.resolve(target.url);
  } catch (error) {
    throw new StorageError('config', `${target.description}: ${messageOf(error)}`, { cause: error });
  } finally {
    for (const [name, value] of before) setEnvironment(name, value);
  }
}

function setEnvironment(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** Lists the end of the write-ahead log: fails where opening a database would hang for ever. */
export async function probeStore(store: ObjectStore, target: SlateTarget, deadlineMs: number): Promise<void> {
  const wal = new WalReader(target.path, store);
  const listed = wal.list(BigInt(Number.MAX_SAFE_INTEGER), undefined);
  const dispose = (): void => void wal.dispose();
  listed.then(dispose, dispose);
  try {
    for (const file of await withDeadline(listed, deadlineMs, target.description)) file.dispose();
  } catch (error) {
    const failure = fromNative(error);
    const known = storeFailureOfMessage(target.description, failure.message);
    if (known !== undefined) throw known;
    throw new StorageError('unavailable', `${target.description} cannot be read: ${failure.message}`, {
      cause: error,
      details: { store: target.description },
    });
  }
}

export async function getRow(db: Db | DbReader, key: Uint8Array, deadlineMs: number): Promise<Uint8Array | undefined> {
  try {
    return await withDeadline(db.get_with_options(key, readOptions), deadlineMs, 'read');
  } catch (error) {
    throw fromNative(error);
  }
}

export async function* scanRows(
  db: Db | DbReader,
  range: KeyRange,
  options: ScanOptions,
  deadlineMs: number,
): AsyncGenerator<EngineRow, void, undefined> {
  const dispose = (iterator: DbIterator): void => void iterator.dispose();
  let iterator: DbIterator | undefined;
  try {
    iterator = await withDeadline(
      db.scan_with_options(
        { start: range.start, start_inclusive: true, end: range.end, end_inclusive: false },
        {
          durability_filter: DurabilityLevel.Memory,
          dirty: false,
          read_ahead_bytes: BigInt(options.readAheadBytes ?? readAheadDefaultBytes),
          cache_blocks: options.cache ?? true,
          max_fetch_tasks: fetchTasks,
          order: options.descending ? IterationOrder.Descending : IterationOrder.Ascending,
        },
      ),
      deadlineMs,
      'scan',
      dispose,
    );
    let rows = 0;
    let turnStartedMs = performance.now();
    for (;;) {
      const pending: ReturnType<DbIterator['next']> = iterator.next();
      const row = await withDeadline(pending, deadlineMs, 'scan').catch((error: unknown) => {
        // The native call still uses the iterator: it must not be disposed under it.
        const abandoned = iterator!;
        iterator = undefined;
        pending.then(
          () => abandoned.dispose(),
          () => abandoned.dispose(),
        );
        throw error;
      });
      if (row === undefined) return;
      yield { key: row.key, value: row.value };
      if (++rows % rowsBetweenYields === 0 || performance.now() - turnStartedMs > timeBetweenYieldsMs) {
        await yieldToLoop();
        turnStartedMs = performance.now();
      }
    }
  } catch (error) {
    throw fromNative(error);
  } finally {
    iterator?.dispose();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The engine's errors in our terms. */
export function fromNative(error: unknown): StorageError {
  const tag = (error as { tag?: unknown } | undefined)?.tag;
  if (typeof tag !== 'string') {
    const fatal = error instanceof Error && error.name === 'RustPanic';
    return fatal
      ? new StorageError('internal', `the storage engine panicked: ${error.message}`, {
          cause: error,
          details: { fatal },
        })
      : toStorageError(error);
  }
  const message = messageOf(error);
  const options = { cause: error };
  if (tag === 'Closed') return fromCloseReason((error as { reason?: CloseReason }).reason, message, error)!;
  if (tag === 'Unavailable') return new StorageError('unavailable', message, options);
  if (tag === 'Data') return new StorageError('corrupt', message, options);
  return new StorageError('internal', message, options);
}

export function fromCloseReason(
  reason: CloseReason | undefined,
  message: string,
  cause?: unknown,
): StorageError | undefined {
  if (reason === undefined) return undefined;
  if (reason === 'Fenced') {
    return new StorageError('fenced', 'another writer has opened this database; this one has lost it', { cause });
  }
  if (reason === 'Clean') return new StorageError('closed', 'the database is closed', { cause });
  return new StorageError('internal', `the storage engine stopped (${reason}): ${message}`, {
    cause,
    details: { fatal: true, reason },
  });
}

export function engineMetrics(recorder: DefaultMetricsRecorder): EngineMetric[] {
  return recorder.snapshot().map(engineMetric);
}

function engineMetric(metric: Metric): EngineMetric {
  const labels: Record<string, string> = {};
  for (const { key, value } of metric.labels) labels[key] = value;
  const { name, description: help } = metric;
  if (metric.value.tag === 'Histogram') {
    const { count, sum, boundaries, bucket_counts: bucketCounts } = metric.value[''];
    const value = { kind: 'histogram', count: Number(count), sum, boundaries, bucketCounts: bucketCounts.map(Number) };
    return { name, help, labels, value: { ...value, kind: 'histogram' } };
  }
  const kind = metric.value.tag === 'Counter' ? 'counter' : 'gauge';
  return { name, help, labels, value: { kind, value: Number(metric.value['']) } };
}
