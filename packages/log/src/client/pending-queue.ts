import type { AppendRecord } from '../model.ts';
import type { LogClientError } from './errors.ts';

/** A record that is not acknowledged yet. */
export interface Pending {
  readonly record: AppendRecord;
  readonly sizeBytes: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: LogClientError) => void;
}

interface BatchLimits {
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
}

/** Records of a lane that wait to be sent, in their order. */
export class PendingQueue {
  readonly #limits: BatchLimits;
  #records: Pending[] = [];
  /** Those before it have been taken; they leave the array many at a time. */
  #start = 0;
  #sizeBytes = 0;
  /** Falls where a batch was too large for the server. */
  #recordLimit: number;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
    this.#recordLimit = Math.max(1, limits.maxBatchRecords);
  }

  get length(): number {
    return this.#records.length - this.#start;
  }

  /** True where there is a whole batch. */
  get isFull(): boolean {
    return this.length >= this.#recordLimit || this.#sizeBytes >= this.#limits.maxBatchBytes;
  }

  /** The record's sequence, once it is acknowledged. */
  add(record: AppendRecord, sizeBytes: number): Promise<number> {
    const acknowledged = new Promise<number>((resolve, reject) => {
      this.#records.push({ record, sizeBytes, resolve, reject });
    });
    // Who does not look at it hears of it from `flush`.
    acknowledged.catch(() => undefined);
    this.#sizeBytes += sizeBytes;
    return acknowledged;
  }

  /** The next batch: one record at least, where there is one. */
  take(): readonly Pending[] {
    let sizeBytes = 0;
    let count = 0;
    while (count < this.length && count < this.#recordLimit) {
      const next = this.#records[this.#start + count]!.sizeBytes;
      if (count > 0 && sizeBytes + next > this.#limits.maxBatchBytes) break;
      sizeBytes += next;
      count++;
    }
    this.#sizeBytes -= sizeBytes;
    const batch = this.#records.slice(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start * 2 >= this.#records.length) {
      this.#records.splice(0, this.#start);
      this.#start = 0;
    }
    return batch;
  }

  /** Puts what was taken before everything else again. */
  putBack(batch: readonly Pending[]): void {
    this.#records = [...batch, ...this.#records.slice(this.#start)];
    this.#start = 0;
    this.#sizeBytes += batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Takes everything. */
  clear(): readonly Pending[] {
    const all = this.#records.slice(this.#start);
    this.#records = [];
    this.#start = 0;
    this.#sizeBytes = 0;
    return all;
  }

  /** From now on batches have at most half of the records of one that was too large for the server. */
  halve(batch: readonly Pending[]): void {
    this.#recordLimit = Math.ceil(batch.length / 2);
  }
}

/** Settles every record of a batch. @returns their bytes */
export function settleEach(batch: readonly Pending[], settle: (pending: Pending, index: number) => void): number {
  let sizeBytes = 0;
  batch.forEach((pending, i) => {
    sizeBytes += pending.sizeBytes;
    settle(pending, i);
  });
  return sizeBytes;
}
