import type { LogDb } from '../db.ts';
import { isLogError } from '../errors.ts';
import type { PageOptions } from '../reader.ts';
import type { LogSelection } from '../selection.ts';
import { type ClientOptions, createClient } from './client.ts';
import { LogClientError, type LogClientErrorCode } from './errors.ts';
import type { LogClient } from './log-client.ts';
import type { LogPort, Page, Target } from './log-port.ts';
import type { ReadRecord } from './records.ts';

/** A client of a log that is open in this process; closing it closes the log. */
export function embeddedLog(log: LogDb, options: ClientOptions = {}): LogClient {
  return createClient(dbPort(log), options);
}

function dbPort(db: LogDb): LogPort {
  const watermark = () => ({ durableSequence: db.durableSequence, nextSequence: db.nextSequence });
  return {
    async append(records, awaitDurable, signal) {
      if (records.count === 0) return { startSequence: 0, count: 0 };
      const { appended, acknowledged } = translatedNow(() => {
        const taken = db.appendColumns(records);
        return { appended: taken, acknowledged: db.acknowledged(taken, awaitDurable) };
      });
      if (acknowledged !== undefined) await translated(abortable(acknowledged, signal), true);
      return { startSequence: appended.startSequence, count: appended.count };
    },

    page(target, { followMs, reverse, durable, end, ...query }, signal) {
      const range = { ...query, ...(end !== undefined && { end }), signal };
      return translated(
        (async (): Promise<Page> => {
          const isOne = target instanceof Uint8Array && !durable;
          const page = isOne
            ? await pageOfKey(db, target, range, reverse, followMs)
            : await pageOfMany(db, selectionOf(target), { ...range, durable }, reverse, followMs);
          signal.throwIfAborted();
          const records: ReadRecord[] = [];
          for (let i = 0; i < page.count; i++) {
            records.push({ key: isOne ? target : page.keyAt(i), ...page.recordAt(i) });
          }
          return { records, nextSequence: page.nextSequence };
        })(),
      );
    },

    keys({ prefix, after, startSegment, endSegment, limit }, signal) {
      const options = {
        ...(prefix !== undefined && { prefix }),
        ...(after !== undefined && { after }),
        ...(startSegment !== undefined && { startSegment }),
        ...(endSegment !== undefined && { endSegment }),
      };
      return translated(
        (async () => {
          const keys: Uint8Array[] = [];
          for await (const key of db.keys(options)) {
            signal.throwIfAborted();
            if (keys.push(key) >= limit) break;
          }
          return keys;
        })(),
      );
    },

    count: (key, range, signal) => translated(abortable(db.count(key, defined(range)), signal)),
    inspect: (key, range, signal) => translated(abortable(db.inspect(key, defined(range)), signal)),
    segments: async (range) =>
      translatedNow(() =>
        db.segments(defined(range)).map(({ id, startSequence, startTimeMs }) => ({ id, startSequence, startTimeMs })),
      ),

    async flush(signal) {
      await translated(abortable(db.flush(), signal));
      return watermark();
    },

    async watermark(sequence, timeoutMs, signal) {
      await translated(db.durableAt(sequence, { timeoutMs, signal }));
      signal.throwIfAborted();
      return watermark();
    },

    close: () => translated(db.close()),
  };
}

function pageOfKey(db: LogDb, key: Uint8Array, range: PageOptions, reverse: boolean, followMs: number | undefined) {
  return followMs === undefined
    ? db.readPage(key, { ...range, reverse })
    : db.followPage(key, { ...range, timeoutMs: followMs });
}

function pageOfMany(
  db: LogDb,
  selection: LogSelection,
  range: PageOptions & { readonly durable: boolean },
  reverse: boolean,
  followMs: number | undefined,
) {
  return followMs === undefined
    ? db.readSelectedPage(selection, { ...range, reverse })
    : db.followSelectedPage(selection, { ...range, timeoutMs: followMs });
}

function selectionOf(target: Target): LogSelection {
  if (target instanceof Uint8Array) return { keys: [target] };
  return target.isEverything ? {} : { keys: target.keys, prefixes: target.prefixes };
}

function defined({ start, end }: { readonly start: number | undefined; readonly end: number | undefined }) {
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}

function translatedNow<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw clientError(error, false);
  }
}

/** @param isAppended whether what fails has been taken by the log */
async function translated<T>(result: Promise<T>, isAppended = false): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw clientError(error, isAppended);
  }
}

const storageCodes: Readonly<Record<string, LogClientErrorCode>> = {
  overloaded: 'overloaded',
  unavailable: 'unavailable',
  closed: 'closed',
  fenced: 'fenced',
};

/** In the words of a client; what is no error of the log, as the reason of a signal, stays. */
function clientError(error: unknown, mayBeWritten: boolean): unknown {
  if (isLogError(error)) {
    const code = error.code === 'corrupt' ? 'failed' : error.code;
    return new LogClientError(code, error.message, { cause: error, mayBeWritten });
  }
  // By its name, so that nothing of the storage is loaded by those who only have a server.
  if (!(error instanceof Error) || error.name !== 'StorageError' || !('code' in error)) return error;
  const code = storageCodes[String(error.code)] ?? 'failed';
  return new LogClientError(code, error.message, { cause: error, mayBeWritten: mayBeWritten && code !== 'overloaded' });
}

/** Rejects with the signal's reason as soon as it fires; the work goes on unseen. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
