import { columnsOf } from '../append-columns.ts';
import type { AppendRecord } from '../model.ts';
import { isLogClientError, isPassing, LogClientError } from './errors.ts';
import type { AppendStream } from './log-port.ts';
import { type Pending, PendingQueue, settleEach } from './pending-queue.ts';
import type { Lane } from './producer-lane.ts';
import type { ClientAppended } from './records.ts';
import { pause, retryDelayMs } from './retry.ts';

export interface SessionLaneLimits {
  readonly lingerMs: number;
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly maxInFlight: number;
  readonly awaitDurable: boolean;
  readonly allowDuplicates: boolean;
  readonly retryTimeoutMs: number;
}

export interface SessionLaneEvents {
  /** @throws LogClientError */
  open(): Promise<AppendStream>;
  readonly signal: AbortSignal;
  /** So many records were acknowledged or refused. */
  onSettled(records: number, sizeBytes: number): void;
  onFailed(error: LogClientError): void;
}

interface Sent {
  readonly batch: readonly Pending[];
  error: LogClientError | undefined;
}

/**
 * Records of all keys in one order, over one session at a time, many batches on their way. Where a session ends, what was
 * not acknowledged goes over the next one, in its order, unless it may have been written and must not be there twice.
 */
export class SessionLane implements Lane {
  private readonly limits: SessionLaneLimits;
  private readonly events: SessionLaneEvents;
  private readonly queue: PendingQueue;
  private inFlight: Sent[] = [];
  private stream: AppendStream | undefined;
  private isConnecting = false;
  private isDue = false;
  private timer: NodeJS.Timeout | undefined;
  private draining: (() => void)[] = [];
  private hasFailed = false;
  private failures = 0;
  /** Since when nothing was acknowledged but things failed. */
  private troubleSinceMs: number | undefined;

  constructor(limits: SessionLaneLimits, events: SessionLaneEvents) {
    this.limits = limits;
    this.events = events;
    this.queue = new PendingQueue(limits);
  }

  add(record: AppendRecord, sizeBytes: number): Promise<number> {
    const acknowledged = this.queue.add(record, sizeBytes);
    if (this.queue.isFull || this.draining.length > 0) this.pump();
    else this.timer ??= setTimeout(() => this.pump(), this.limits.lingerMs);
    return acknowledged;
  }

  async drain(): Promise<void> {
    this.pump();
    if (!this.isEmpty()) await new Promise<void>((resolve) => this.draining.push(resolve));
  }

  fail(error: LogClientError): void {
    this.hasFailed = true;
    clearTimeout(this.timer);
    const all = [...this.inFlight.flatMap(({ batch }) => batch), ...this.queue.clear()];
    this.inFlight = [];
    this.settle(all, ({ reject }) => reject(error));
    this.close();
  }

  close(): void {
    this.stream?.end();
    this.stream = undefined;
  }

  private isEmpty(): boolean {
    return this.queue.length === 0 && this.inFlight.length === 0;
  }

  /** Sends what waits, as far as there may be more on its way. */
  private pump(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isDue = this.queue.length > 0;
    if (!this.isDue || this.hasFailed || this.isConnecting) return;
    if (this.stream === undefined) {
      void this.connect();
      return;
    }
    while (this.queue.length > 0 && this.inFlight.length < Math.max(1, this.limits.maxInFlight)) {
      this.send(this.stream, this.queue.take());
    }
    this.isDue = this.queue.length > 0;
  }

  private async connect(): Promise<void> {
    this.isConnecting = true;
    while (this.stream === undefined && !this.hasFailed) {
      try {
        const stream = await this.events.open();
        if (this.hasFailed) return stream.end();
        this.stream = stream;
        void stream.over.then(() => this.streamEnded(stream));
      } catch (error) {
        if (!(await this.mayTryAgain(error))) return;
      }
    }
    this.isConnecting = false;
    this.pump();
  }

  private send(stream: AppendStream, batch: readonly Pending[]): void {
    const sent: Sent = { batch, error: undefined };
    this.inFlight.push(sent);
    const records = columnsOf(batch.map(({ record }) => record));
    stream.append(records, this.limits.awaitDurable).then(
      (appended) => this.acknowledged(sent, appended),
      (error: unknown) => {
        sent.error = asClientError(error);
      },
    );
  }

  private acknowledged(sent: Sent, { startSequence }: ClientAppended): void {
    // Acknowledged in their order; nothing is there any more once the lane has failed.
    if (this.inFlight[0] !== sent) return;
    this.inFlight.shift();
    this.failures = 0;
    this.troubleSinceMs = undefined;
    this.settle(sent.batch, ({ resolve }, i) => resolve(startSequence + i));
    if (this.isDue || this.draining.length > 0) this.pump();
    this.endDraining();
  }

  private async streamEnded(stream: AppendStream): Promise<void> {
    if (this.stream !== stream || this.hasFailed) return;
    this.stream = undefined;
    const unsettled = this.inFlight;
    if (unsettled.length === 0) return this.isDue ? this.pump() : undefined;
    const error = unsettled[0]!.error ?? new LogClientError('unavailable', 'the session has ended');
    const unsure = unsettled.find((sent) => sent.error?.mayBeWritten)?.error;
    if (unsure !== undefined && !this.limits.allowDuplicates) return this.failAll(unsure);
    const isTooLarge = error.status === 413 && unsettled[0]!.batch.length > 1;
    if (isTooLarge) this.queue.halve(unsettled[0]!.batch);
    this.isConnecting = true;
    if (!isTooLarge && !(await this.mayTryAgain(error))) return;
    this.isConnecting = false;
    this.inFlight = [];
    this.queue.putBack(unsettled.flatMap(({ batch }) => batch));
    this.pump();
  }

  /** Waits before the next try; false: the lane has failed. */
  private async mayTryAgain(cause: unknown): Promise<boolean> {
    const error = asClientError(cause);
    const nowMs = performance.now();
    this.troubleSinceMs ??= nowMs;
    const delayMs = retryDelayMs(this.failures++, error);
    const isTooLate = nowMs + delayMs > this.troubleSinceMs + this.limits.retryTimeoutMs;
    if (!isPassing(error) || isTooLate) {
      this.failAll(error);
      return false;
    }
    try {
      await pause(delayMs, this.events.signal);
    } catch (reason) {
      this.failAll(asClientError(reason));
    }
    return !this.hasFailed;
  }

  private failAll(error: LogClientError): void {
    if (this.hasFailed) return;
    this.fail(error);
    this.events.onFailed(error);
  }

  private settle(batch: readonly Pending[], one: (pending: Pending, index: number) => void): void {
    this.events.onSettled(batch.length, settleEach(batch, one));
    this.endDraining();
  }

  private endDraining(): void {
    if (!this.isEmpty()) return;
    for (const resolve of this.draining.splice(0)) resolve();
  }
}

function asClientError(error: unknown): LogClientError {
  return isLogClientError(error) ? error : new LogClientError('failed', String(error), { cause: error });
}
