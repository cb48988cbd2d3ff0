import type { WaitOptions } from './followers.ts';
import { giveUpAfter } from './wait-timer.ts';

/** Follows the journal's commits: up to which sequence the log is durable. */
export class DurableWatermark {
  private readonly groups: number[] = [];
  private readonly ends: number[] = [];
  private readonly listeners = new Set<(sequence: number) => void>();
  /** Ends each wait with false. */
  private readonly waits = new Set<() => void>();
  private ended = false;
  /** Everything before this sequence is durable. */
  sequence: number;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** The records before `end` are durable once `group` is. */
  push(group: number, end: number): void {
    const last = this.groups.length - 1;
    if (last >= 0 && this.groups[last] === group) this.ends[last] = end;
    else {
      this.groups.push(group);
      this.ends.push(end);
    }
  }

  /** `group` and those before it are durable. */
  reach(group: number): void {
    let done = 0;
    while (done < this.groups.length && this.groups[done]! <= group) done++;
    if (done === 0) return;
    this.sequence = this.ends[done - 1]!;
    this.groups.splice(0, done);
    this.ends.splice(0, done);
    for (const listener of this.listeners) listener(this.sequence);
  }

  /** Resolves true when everything before `sequence` is durable, false at the time-out, on abort, or when waits end. */
  waitUntil(sequence: number, { timeoutMs, signal }: WaitOptions): Promise<boolean> {
    if (this.sequence >= sequence) return Promise.resolve(true);
    if (this.ended || signal?.aborted || (timeoutMs !== undefined && timeoutMs <= 0)) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const finish = (isDurable: boolean) => {
        clearTimeout(timer);
        unsubscribe();
        signal?.removeEventListener('abort', giveUp);
        this.waits.delete(giveUp);
        resolve(isDurable);
      };
      const giveUp = () => finish(false);
      const timer = giveUpAfter(timeoutMs, giveUp);
      const unsubscribe = this.subscribe((reached) => reached >= sequence && finish(true));
      signal?.addEventListener('abort', giveUp);
      this.waits.add(giveUp);
    });
  }

  /** The watermark, and again whenever it has risen; a slow reader gets the newest only. */
  async *watch(signal?: AbortSignal): AsyncGenerator<number> {
    for (let seen = this.sequence; ; seen = this.sequence) {
      yield seen;
      if (!(await this.waitUntil(seen + 1, { signal }))) return;
    }
  }

  /** Ends every wait, now and later. */
  endWaits(): void {
    this.ended = true;
    for (const giveUp of [...this.waits]) giveUp();
  }

  /** Calls `listener` with the new watermark whenever it rises; returns what ends that. */
  subscribe(listener: (sequence: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
