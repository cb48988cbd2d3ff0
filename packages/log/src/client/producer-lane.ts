import type { AppendRecord } from '../model.ts';
import { isLogClientError, LogClientError } from './errors.ts';
import { type Pending, PendingQueue, settleEach } from './pending-queue.ts';
import type { ClientAppended } from './records.ts';

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
  private readonly queue: PendingQueue;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private failed = false;

  constructor(limits: LaneLimits, events: LaneEvents) {
    this.limits = limits;
    this.events = events;
    this.queue = new PendingQueue(limits);
  }

  add(record: AppendRecord, sizeBytes: number): Promise<number> {
    const acknowledged = this.queue.add(record, sizeBytes);
    if (this.sending === undefined) {
      if (this.queue.isFull) this.send();
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
    this.settle(this.queue.clear(), (each) => each.reject(error));
  }

  close(): void {}

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
      const batch = this.queue.take();
      try {
        const { startSequence } = await this.events.append(batch.map(({ record }) => record));
        this.settle(batch, (each, i) => each.resolve(startSequence + i));
      } catch (cause) {
        this.batchFailed(batch, cause);
      }
    }
  }

  private batchFailed(batch: readonly Pending[], cause: unknown): void {
    const error = isLogClientError(cause) ? cause : new LogClientError('failed', String(cause), { cause });
    if (error.status === 413 && batch.length > 1 && !this.failed) {
      this.queue.halve(batch);
      this.queue.putBack(batch);
      return;
    }
    this.settle(batch, (each) => each.reject(error));
    this.events.onFailed(error);
  }

  private settle(batch: readonly Pending[], one: (pending: Pending, index: number) => void): void {
    this.events.onSettled(batch.length, settleEach(batch, one));
  }
}
