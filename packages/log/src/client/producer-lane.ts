import type { AppendRecord } from '../model.ts';
import { isLogClientError, LogClientError } from './errors.ts';
import type { ClientAppended } from './log-client.ts';

export interface Pending {
  readonly record: AppendRecord;
  readonly sizeBytes: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: LogClientError) => void;
}

interface LaneLimits {
  readonly lingerMs: number;
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
}

interface LaneEvents {
  append(records: readonly AppendRecord[]): Promise<ClientAppended>;
  /** So many records were acknowledged or refused. */
  onSettled(records: number, sizeBytes: number): void;
  /** A batch failed, and with it everything behind it. */
  onFailed(error: LogClientError): void;
}

/** Records of some keys, sent one batch behind the other. */
export interface Lane {
  add(record: AppendRecord, sizeBytes: number): Promise<number>;
  /** Sends what waits; resolves when everything that was added is settled. */
  drain(): Promise<void>;
  /** Rejects what waits. */
  fail(error: LogClientError): void;
  /** Nothing comes any more. */
  close(): void;
}

export class LaneQueue implements Lane {
  private readonly limits: LaneLimits;
  private readonly events: LaneEvents;
  private queue: Pending[] = [];
  private queueBytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private failed = false;
  /** A batch that was too large for the server is sent in parts of so many records. */
  private recordLimit: number;

  constructor(limits: LaneLimits, events: LaneEvents) {
    this.limits = limits;
    this.events = events;
    this.recordLimit = Math.max(1, limits.maxBatchRecords);
  }

  add(record: AppendRecord, sizeBytes: number): Promise<number> {
    const acknowledged = new Promise<number>((resolve, reject) => {
      this.queue.push({ record, sizeBytes, resolve, reject });
    });
    acknowledged.catch(() => undefined);
    this.queueBytes += sizeBytes;
    if (this.sending === undefined) {
      if (this.isFull()) this.send();
      else this.timer ??= setTimeout(() => this.send(), this.limits.lingerMs);
    }
    return acknowledged;
  }

  async drain(): Promise<void> {
    this.send();
    while (this.sending !== undefined) await this.sending;
  }

  fail(error: LogClientError): void {
    this.failed = true;
    clearTimeout(this.timer);
    this.settle(this.queue.splice(0), (each) => each.reject(error));
    this.queueBytes = 0;
  }

  close(): void {}

  private isFull(): boolean {
    return this.queue.length >= this.recordLimit || this.queueBytes >= this.limits.maxBatchBytes;
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.sending !== undefined || this.queue.length === 0) return;
    this.sending = this.sendAll().finally(() => {
      this.sending = undefined;
    });
  }

  /** Until nothing is left: what came in the meantime has waited long enough. */
  private async sendAll(): Promise<void> {
    while (this.queue.length > 0 && !this.failed) {
      const batch = this.takeBatch();
      try {
        const { startSequence } = await this.events.append(batch.map(({ record }) => record));
        this.settle(batch, (each, i) => each.resolve(startSequence + i));
      } catch (cause) {
        this.batchFailed(batch, cause);
      }
    }
  }

  private takeBatch(): Pending[] {
    let sizeBytes = 0;
    let count = 0;
    while (count < this.queue.length && count < this.recordLimit) {
      const next = this.queue[count]!.sizeBytes;
      if (count > 0 && sizeBytes + next > this.limits.maxBatchBytes) break;
      sizeBytes += next;
      count++;
    }
    this.queueBytes -= sizeBytes;
    return this.queue.splice(0, count);
  }

  private batchFailed(batch: Pending[], cause: unknown): void {
    const error = isLogClientError(cause) ? cause : new LogClientError('failed', String(cause), { cause });
    if (error.status === 413 && batch.length > 1 && !this.failed) {
      this.recordLimit = Math.ceil(batch.length / 2);
      this.queue.unshift(...batch);
      this.queueBytes += batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      return;
    }
    this.settle(batch, (each) => each.reject(error));
    this.events.onFailed(error);
  }

  private settle(batch: readonly Pending[], one: (pending: Pending, index: number) => void): void {
    let sizeBytes = 0;
    batch.forEach((pending, i) => {
      sizeBytes += pending.sizeBytes;
      one(pending, i);
    });
    this.events.onSettled(batch.length, sizeBytes);
  }
}
