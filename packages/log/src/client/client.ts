import { setMaxListeners } from 'node:events';
import { columnsOf } from '../append-columns.ts';
import type { AppendColumns } from '../model.ts';
import type { LogBytes } from './bytes.ts';
import {
  checkBooleans,
  checkedBytes,
  checkedKey,
  checkedRecord,
  checkedTarget,
  checkNumbers,
  checkOneStart,
} from './check-arguments.ts';
import { checkClientOptions, checkProducerOptions } from './check-options.ts';
import { isPassing, LogClientError } from './errors.ts';
import type {
  ClientAppendOptions,
  KeySelection,
  KeysOptions,
  LogClient,
  RangeOptions,
  ReadOptions,
  TailOptions,
  WatermarkOptions,
} from './log-client.ts';
import { type LogPort, maxKeysPage } from './log-port.ts';
import { type AppendBatch, createProducer, type LogProducer, type ProducerOptions } from './producer.ts';
import { readPages } from './read.ts';
import type { ClientRecord, ReadRecord } from './records.ts';
import { retrying } from './retry.ts';
import { tailPages } from './tail.ts';

export interface ClientOptions {
  /** How long reads, waits and refused appends are tried again, ms; default 30,000. Tails are, for ever. */
  readonly retryTimeoutMs?: number | undefined;
}

const defaultRetryTimeoutMs = 30_000;
const defaultWatermarkTimeoutMs = 30_000;

/** The client over one way to the log. @throws LogClientError invalid_input */
export function createClient(port: LogPort, options: ClientOptions = {}): LogClient {
  checkClientOptions(options);
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
    const { awaitDurable, allowDuplicates } = options;
    checkBooleans({ awaitDurable, allowDuplicates });
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
    checkProducerOptions(options);
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
    const { signal, start, end, limit, startTimeMs, last, reverse, onlyDurable } = options;
    checkNumbers({ start, end, limit, startTimeMs, last });
    checkBooleans({ reverse, onlyDurable });
    try {
      yield* readPages(this.port, checkedTarget(keys), options, (attempt) => this.trying(attempt, signal));
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }

  async *tail(keys: LogBytes | KeySelection, options: TailOptions = {}): AsyncGenerator<ReadRecord> {
    const { start, startTimeMs, last, onlyDurable } = options;
    checkNumbers({ start, startTimeMs, last });
    checkBooleans({ onlyDurable });
    checkOneStart({ start, startTimeMs, last });
    const signal = this.joined(options.signal);
    try {
      yield* tailPages(this.port, checkedTarget(keys), options, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async count(key: LogBytes, { start, end, signal }: RangeOptions = {}) {
    const bytes = checkedKey(key);
    checkNumbers({ start, end });
    return await this.trying((all) => this.port.count(bytes, { start, end }, all), signal);
  }

  async inspect(key: LogBytes, { start, end, signal }: RangeOptions = {}) {
    const bytes = checkedKey(key);
    checkNumbers({ start, end });
    return await this.trying((all) => this.port.inspect(bytes, { start, end }, all), signal);
  }

  async segments({ start, end, signal }: RangeOptions = {}) {
    checkNumbers({ start, end });
    return await this.trying((all) => this.port.segments({ start, end }, all), signal);
  }

  async *keys(options: KeysOptions = {}): AsyncGenerator<Uint8Array> {
    const { startSegment, endSegment, signal } = options;
    checkNumbers({ limit: options.limit, startSegment, endSegment });
    const prefix = options.prefix === undefined ? undefined : checkedBytes(options.prefix, 'prefix');
    let after = options.after === undefined ? undefined : checkedBytes(options.after, 'after');
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

  async watermark({ atLeast = 0, timeoutMs = defaultWatermarkTimeoutMs, signal }: WatermarkOptions = {}) {
    checkNumbers({ atLeast, timeoutMs });
    return await this.trying((all) => this.port.watermark(atLeast, atLeast === 0 ? 0 : timeoutMs, all), signal);
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
