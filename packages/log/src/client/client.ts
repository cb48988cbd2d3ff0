import { setMaxListeners } from 'node:events';
import { columnsOf } from '../append-columns.ts';
import { maxKeyBytes } from '../key-bytes.ts';
import type { AppendColumns, AppendRecord } from '../model.ts';
import { bytesOf, type LogBytes } from './bytes.ts';
import { isPassing, LogClientError } from './errors.ts';
import type {
  ClientAppendOptions,
  ClientRecord,
  KeySelection,
  KeysOptions,
  LogClient,
  RangeOptions,
  ReadOptions,
  ReadRecord,
  TailOptions,
  WatermarkOptions,
} from './log-client.ts';
import { type LogPort, maxKeysPage } from './log-port.ts';
import { type AppendBatch, createProducer, type LogProducer, type ProducerOptions } from './producer.ts';
import { readPages } from './read.ts';
import { retrying } from './retry.ts';
import { tailPages } from './tail.ts';
import { targetOf } from './target.ts';

export interface ClientOptions {
  /** How long reads, waits and refused appends are tried again, ms; default 30,000. Tails are, for ever. */
  readonly retryTimeoutMs?: number | undefined;
}

const defaultRetryTimeoutMs = 30_000;
const defaultWatermarkTimeoutMs = 30_000;

/** The client over one way to the log. */
export function createClient(port: LogPort, options: ClientOptions = {}): LogClient {
  return new PortClient(port, options.retryTimeoutMs ?? defaultRetryTimeoutMs);
}

class PortClient implements LogClient {
  private readonly port: LogPort;
  private readonly retryTimeoutMs: number;
  private readonly closing = new AbortController();

  constructor(port: LogPort, retryTimeoutMs: number) {
    this.port = port;
    this.retryTimeoutMs = retryTimeoutMs;
    // Everything under way listens to it.
    setMaxListeners(0, this.closing.signal);
  }

  async append(records: ClientRecord | readonly ClientRecord[], options: ClientAppendOptions = {}) {
    const list = Array.isArray(records) ? (records as readonly ClientRecord[]) : [records as ClientRecord];
    const columns = columnsOf(list.map(checkedRecord));
    return await this.appendColumns(columns, options, this.retryTimeoutMs);
  }

  private appendColumns(columns: AppendColumns, options: ClientAppendOptions, timeoutMs: number) {
    const { awaitDurable = false, allowDuplicates = false, signal } = options;
    const isRetryable = (error: LogClientError) => isPassing(error) && (allowDuplicates || !error.mayBeWritten);
    const attempt = (all: AbortSignal) => this.port.append(columns, awaitDurable, all);
    return this.trying(attempt, signal, { isRetryable, timeoutMs });
  }

  producer(options: ProducerOptions = {}): LogProducer {
    const append: AppendBatch = (records, { awaitDurable, allowDuplicates, retryTimeoutMs }) =>
      this.appendColumns(columnsOf(records), { awaitDurable, allowDuplicates }, retryTimeoutMs);
    const { port } = this;
    const { signal } = this.closing;
    const open = port.openAppends?.bind(port, signal);
    return createProducer(
      append,
      checkedRecord,
      options,
      options.session !== false && open ? { open, signal } : undefined,
    );
  }

  async *read(keys: LogBytes | KeySelection, options: ReadOptions = {}): AsyncGenerator<ReadRecord> {
    const { signal } = options;
    try {
      yield* readPages(this.port, targetOf(keys), options, (attempt) => this.trying(attempt, signal));
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }

  async *tail(keys: LogBytes | KeySelection, options: TailOptions = {}): AsyncGenerator<ReadRecord> {
    const signal = this.joined(options.signal);
    try {
      yield* tailPages(this.port, targetOf(keys), options, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  count(key: LogBytes, { start, end, signal }: RangeOptions = {}) {
    return this.trying((all) => this.port.count(bytesOf(key), { start, end }, all), signal);
  }

  inspect(key: LogBytes, { start, end, signal }: RangeOptions = {}) {
    return this.trying((all) => this.port.inspect(bytesOf(key), { start, end }, all), signal);
  }

  segments({ start, end, signal }: RangeOptions = {}) {
    return this.trying((all) => this.port.segments({ start, end }, all), signal);
  }

  async *keys(options: KeysOptions = {}): AsyncGenerator<Uint8Array> {
    const { startSegment, endSegment, signal } = options;
    const prefix = options.prefix === undefined ? undefined : bytesOf(options.prefix);
    let after = options.after === undefined ? undefined : bytesOf(options.after);
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    try {
      while (left > 0) {
        const limit = Math.min(left, maxKeysPage);
        const query = { prefix, after, startSegment, endSegment, limit };
        const keys = await this.trying((all) => this.port.keys(query, all), signal);
        yield* keys;
        if (keys.length < limit) return;
        left -= keys.length;
        after = keys.at(-1)!;
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }

  flush({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    return this.trying((all) => this.port.flush(all), signal);
  }

  watermark({ atLeast = 0, timeoutMs = defaultWatermarkTimeoutMs, signal }: WatermarkOptions = {}) {
    return this.trying((all) => this.port.watermark(atLeast, atLeast === 0 ? 0 : timeoutMs, all), signal);
  }

  async *durable(signal?: AbortSignal): AsyncGenerator<number> {
    let last = -1;
    try {
      for (;;) {
        const { durableSequence } = await this.watermark({ atLeast: last + 1, signal });
        if (durableSequence === last) continue;
        last = durableSequence;
        yield last;
      }
    } catch (error) {
      if (!signal?.aborted && !this.closing.signal.aborted) throw error;
    }
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new LogClientError('closed', 'the client was closed'));
    await this.port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private joined(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
  }

  private trying<T>(
    attempt: (signal: AbortSignal) => Promise<T>,
    own: AbortSignal | undefined,
    { timeoutMs = this.retryTimeoutMs, isRetryable = isPassing as (error: LogClientError) => boolean } = {},
  ): Promise<T> {
    const signal = this.joined(own);
    return retrying(() => attempt(signal), { timeoutMs, signal, isRetryable });
  }
}

/** @throws LogClientError invalid_input */
function checkedRecord(record: ClientRecord): AppendRecord {
  if (typeof record !== 'object' || record === null) {
    throw new LogClientError('invalid_input', `a record is an object with key and value, not ${String(record)}`);
  }
  const key = checkedBytes(record.key, 'key');
  if (key.length > maxKeyBytes) {
    throw new LogClientError('invalid_input', `a key has at most ${maxKeyBytes} bytes, not ${key.length}`);
  }
  const { timestampMs } = record;
  if (timestampMs !== undefined && !Number.isSafeInteger(timestampMs)) {
    throw new LogClientError('invalid_input', `timestampMs is not a whole number: ${timestampMs}`);
  }
  const headers = record.headers?.map(({ name, value }) => {
    if (name === '') throw new LogClientError('invalid_input', 'a header needs a name');
    return { name, value: checkedBytes(value, `header ${JSON.stringify(name)}`) };
  });
  return { key, value: checkedBytes(record.value, 'value'), timestampMs, headers };
}

/** For callers without a type checker. @throws LogClientError invalid_input naming the field */
function checkedBytes(bytes: LogBytes, field: string): Uint8Array {
  if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array)) {
    throw new LogClientError('invalid_input', `${field}: expected a string or a Uint8Array, not ${typeof bytes}`);
  }
  return bytesOf(bytes);
}
