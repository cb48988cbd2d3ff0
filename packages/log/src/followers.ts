import type { KeyWatcher } from './head/head.ts';
import { giveUpAfter } from './wait-timer.ts';

interface Waiter {
  readonly resolve: (appended: boolean) => void;
  readonly timer: NodeJS.Timeout | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
}

export interface WaitOptions {
  /** Give up after this many ms; default: never. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Those who wait for the next record of a key. The writer wakes them; nobody polls, and waiting reads no storage:
 * an idle follower is a promise, a timer and an entry in a map. A wake-up ends the wait, so a follower waits anew.
 */
export class Followers implements KeyWatcher {
  /** By key, its bytes as a latin1 string. */
  private readonly waiters = new Map<string, Set<Waiter>>();
  private closed = false;
  /** Number of waiting followers. */
  waiting = 0;
  /** Called after each append. */
  onAppended: (() => void) | undefined;

  /** Number of keys waited for. */
  get size(): number {
    return this.waiters.size;
  }

  watches(key: Uint8Array): boolean {
    return this.waiters.has(nameOf(key));
  }

  wake(key: Uint8Array): void {
    const name = nameOf(key);
    const woken = this.waiters.get(name);
    if (woken === undefined) return;
    this.waiters.delete(name);
    for (const waiter of woken) this.finish(waiter, true);
  }

  /** Ends every wait with true: there may be records of any key. */
  wakeAll(): void {
    const woken = [...this.waiters.values()];
    this.waiters.clear();
    for (const waiters of woken) for (const waiter of waiters) this.finish(waiter, true);
  }

  appended(): void {
    this.onAppended?.();
  }

  /** Resolves true when a record of `key` is appended, false at the time-out, on abort, or when the log closes. */
  wait(key: Uint8Array, options: WaitOptions): Promise<boolean> {
    const { timeoutMs, signal } = options;
    if (this.closed || signal?.aborted || (timeoutMs !== undefined && timeoutMs <= 0)) return Promise.resolve(false);
    const name = nameOf(key);
    return new Promise((resolve) => {
      const giveUp = () => this.giveUp(name, waiter);
      const timer = giveUpAfter(timeoutMs, giveUp);
      const onAbort = signal === undefined ? undefined : giveUp;
      const waiter: Waiter = { resolve, timer, signal, onAbort };
      if (onAbort !== undefined) signal?.addEventListener('abort', onAbort, { once: true });
      const others = this.waiters.get(name);
      if (others === undefined) this.waiters.set(name, new Set([waiter]));
      else others.add(waiter);
      this.waiting++;
    });
  }

  /** Ends every wait, now and later, with false. */
  close(): void {
    this.closed = true;
    for (const waiters of this.waiters.values()) for (const waiter of waiters) this.finish(waiter, false);
    this.waiters.clear();
  }

  private giveUp(name: string, waiter: Waiter): void {
    const waiters = this.waiters.get(name);
    if (waiters === undefined || !waiters.delete(waiter)) return;
    if (waiters.size === 0) this.waiters.delete(name);
    this.finish(waiter, false);
  }

  private finish(waiter: Waiter, appended: boolean): void {
    this.waiting--;
    clearTimeout(waiter.timer);
    if (waiter.onAbort !== undefined) waiter.signal?.removeEventListener('abort', waiter.onAbort);
    waiter.resolve(appended);
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
