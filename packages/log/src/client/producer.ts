import type { AppendRecord } from '../model.ts';
import { LogClientError } from './errors.ts';
import { type Lane, LaneQueue } from './producer-lane.ts';
import type { ClientAppended, ClientRecord } from './records.ts';
import { SessionLane, type SessionLaneEvents } from './session-lane.ts';

export interface ProducerOptions {
  /** How long a record may wait for others to go with it, ms; default 5. While a batch is on its way the next one gathers anyway. */
  readonly lingerMs?: number | undefined;
  /** Keys and values of one batch, bytes; default 1 MiB. */
  readonly maxBatchBytes?: number | undefined;
  /** Records of one batch; default 4096. */
  readonly maxBatchRecords?: number | undefined;
  /**
   * Batches on their way at once; default 64 over a session, else 4, and the records of one key are then in one at a time, so
   * that they stay in order.
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Over HTTP, append through a session; default true. Without it by requests: for proxies that hold back requests until
   * they are whole.
   */
  readonly session?: boolean | undefined;
  /**
   * What is not acknowledged yet, bytes: keys and values, and 512 for each record; {@link LogProducer.append} waits for
   * room; default 16 MiB.
   */
  readonly maxPendingBytes?: number | undefined;
  /** Acknowledge records when they are durable; default true. Without it, when they can be read. */
  readonly awaitDurable?: boolean | undefined;
  /**
   * Repeat a batch of which it is not known whether it was written: no record is lost, some may be there twice. Default
   * false: the producer fails then.
   */
  readonly allowDuplicates?: boolean | undefined;
  /** How long a batch is tried, ms; default 300,000. */
  readonly retryTimeoutMs?: number | undefined;
}

/** A record that the producer has taken. */
export interface Ticket {
  /** Its sequence, once it is acknowledged; rejects when the producer fails before. Needs no handler. */
  readonly acknowledged: Promise<number>;
}

/**
 * Appends records in batches. What is acknowledged of a key is always a beginning of what was appended to it: after the
 * first failure the producer takes nothing more, and rejects what waits, in every lane.
 */
export interface LogProducer extends AsyncDisposable {
  /** Takes a record as soon as there is room. @throws LogClientError invalid_input | closed, or what made the producer fail */
  append(record: ClientRecord): Promise<Ticket>;
  /** Sends what waits, and resolves when everything taken so far is acknowledged. @throws what made the producer fail */
  flush(): Promise<void>;
  /** As {@link flush}; afterwards the producer takes nothing more. */
  close(): Promise<void>;
  /** Records taken and not acknowledged. */
  readonly pendingRecords: number;
}

const defaults = {
  lingerMs: 5,
  maxBatchBytes: 1024 * 1024,
  maxBatchRecords: 4096,
  maxInFlight: 4,
  maxPendingBytes: 16 * 1024 * 1024,
  awaitDurable: true,
  allowDuplicates: false,
  retryTimeoutMs: 300_000,
};

const sessionInFlight = 64;
/** What a pending record takes in memory beside its key and value. */
const recordOverheadBytes = 512;

export type ProducerSettings = typeof defaults;

/** How a producer gets to open a session. */
export type SessionOpener = Pick<SessionLaneEvents, 'open' | 'signal'>;

export type AppendBatch = (records: readonly AppendRecord[], settings: ProducerSettings) => Promise<ClientAppended>;

export function createProducer(
  append: AppendBatch,
  check: (record: ClientRecord) => AppendRecord,
  options: ProducerOptions,
  session: SessionOpener | undefined,
): LogProducer {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const maxInFlight = session === undefined ? defaults.maxInFlight : sessionInFlight;
  return new BatchingProducer(append, check, { ...defaults, maxInFlight, ...Object.fromEntries(given) }, session);
}

interface Waiting {
  readonly sizeBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: LogClientError) => void;
}

class BatchingProducer implements LogProducer {
  private readonly check: (record: ClientRecord) => AppendRecord;
  private readonly settings: ProducerSettings;
  private readonly lanes: readonly Lane[];
  private pendingBytes = 0;
  pendingRecords = 0;
  /** Those who wait for room, in order. */
  private readonly waiting: Waiting[] = [];
  private failure: LogClientError | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    append: AppendBatch,
    check: (record: ClientRecord) => AppendRecord,
    settings: ProducerSettings,
    session: SessionOpener | undefined,
  ) {
    this.check = check;
    this.settings = settings;
    const events = {
      append: (records: readonly AppendRecord[]) => append(records, settings),
      onSettled: (records: number, sizeBytes: number) => this.settled(records, sizeBytes),
      onFailed: (error: LogClientError) => this.fail(error),
    };
    this.lanes =
      session !== undefined
        ? [new SessionLane(settings, { ...events, open: session.open, signal: session.signal })]
        : Array.from({ length: Math.max(1, settings.maxInFlight) }, () => new LaneQueue(settings, events));
  }

  async append(record: ClientRecord): Promise<Ticket> {
    const checked = this.check(record);
    const sizeBytes = checked.key.length + checked.value.length;
    if (this.failure !== undefined) throw this.failure;
    if (this.waiting.length > 0 || this.isFull()) await this.room(sizeBytes);
    else this.reserve(sizeBytes);
    if (this.failure !== undefined) {
      this.settled(1, sizeBytes);
      throw this.failure;
    }
    const lane = this.lanes[hashOf(checked.key) % this.lanes.length]!;
    return { acknowledged: lane.add(checked, sizeBytes) };
  }

  async flush(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.drain()));
    if (this.failure !== undefined) throw this.failure;
  }

  close(): Promise<void> {
    this.closing ??= this.closeLanes();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async closeLanes(): Promise<void> {
    try {
      do await this.flush();
      while (
        // Those who waited for room came before.
        this.pendingRecords > 0
      );
    } finally {
      this.failure ??= new LogClientError('closed', 'the producer was closed');
      for (const lane of this.lanes) lane.close();
    }
  }

  private isFull(): boolean {
    const { pendingRecords, pendingBytes } = this;
    return pendingRecords > 0 && pendingBytes + pendingRecords * recordOverheadBytes >= this.settings.maxPendingBytes;
  }

  private reserve(sizeBytes: number): void {
    this.pendingBytes += sizeBytes;
    this.pendingRecords++;
  }

  private room(sizeBytes: number): Promise<void> {
    return new Promise((resolve, reject) => this.waiting.push({ sizeBytes, resolve, reject }));
  }

  private settled(records: number, sizeBytes: number): void {
    this.pendingRecords -= records;
    this.pendingBytes -= sizeBytes;
    while (this.waiting.length > 0 && !this.isFull()) {
      const next = this.waiting.shift()!;
      this.reserve(next.sizeBytes);
      next.resolve();
    }
  }

  private fail(error: LogClientError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const lane of this.lanes) lane.fail(error);
    for (const each of this.waiting.splice(0)) each.reject(error);
  }
}

/** FNV-1a, unsigned. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
