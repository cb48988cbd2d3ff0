import type { WaitOptions } from './followers.ts';
import { Head } from './head/head.ts';
import type { SegmentSet } from './segment-set.ts';
import type { LogSelection } from './selection.ts';
import { giveUpAfter } from './wait-timer.ts';

/** Records looked at in one turn of the event loop. */
const recordsAtOnce = 16_384;

/**
 * Those who wait for records of many keys. Records that came up since the last time are looked at once, whoever waits:
 * a key costs a look-up, and another for each length that prefixes have. Nothing is looked at while nobody is there.
 */
export class SelectionFollowers {
  private readonly segments: SegmentSet;
  private readonly end: () => number;
  /** By bytes as a latin1 string. */
  private readonly byKey = new Map<string, Set<Subscription>>();
  /** By length, then by bytes as a latin1 string. */
  private readonly byPrefix = new Map<number, Map<string, Set<Subscription>>>();
  private readonly ofEverything = new Set<Subscription>();
  private readonly all = new Set<Subscription>();
  /** Everything before it was looked at, and told to those who wait. */
  position = 0;
  private scheduled = false;
  private closed = false;

  /** `end` is up to where the log can be read by these followers; say {@link advanced} when it has risen. */
  constructor(segments: SegmentSet, end: () => number) {
    this.segments = segments;
    this.end = end;
  }

  /** Number of subscriptions. */
  get size(): number {
    return this.all.size;
  }

  advanced(): void {
    if (this.all.size === 0 || this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.look());
  }

  /** Everything from {@link end} on is looked at for the subscription until it is closed: subscribe, then read. */
  subscribe({ keys, prefixes }: LogSelection): Subscription {
    if (this.all.size === 0) this.position = this.end();
    const places: [Map<string, Set<Subscription>>, string][] = [];
    for (const key of keys ?? []) places.push([this.byKey, nameOf(key, key.length)]);
    for (const prefix of prefixes ?? []) {
      const sameLength = this.byPrefix.get(prefix.length) ?? new Map<string, Set<Subscription>>();
      this.byPrefix.set(prefix.length, sameLength);
      places.push([sameLength, nameOf(prefix, prefix.length)]);
    }
    const subscription = new Subscription(() => this.remove(subscription, places));
    this.all.add(subscription);
    if (keys === undefined && prefixes === undefined) this.ofEverything.add(subscription);
    for (const [map, name] of places) {
      const others = map.get(name);
      if (others === undefined) map.set(name, new Set([subscription]));
      else others.add(subscription);
    }
    if (this.closed) subscription.end();
    return subscription;
  }

  /** Ends every wait, now and later. */
  close(): void {
    this.closed = true;
    for (const subscription of this.all) subscription.end();
  }

  private remove(subscription: Subscription, places: readonly [Map<string, Set<Subscription>>, string][]): void {
    this.all.delete(subscription);
    this.ofEverything.delete(subscription);
    for (const [map, name] of places) {
      const others = map.get(name);
      if (others?.delete(subscription) === true && others.size === 0) map.delete(name);
    }
    for (const [length, map] of this.byPrefix) if (map.size === 0) this.byPrefix.delete(length);
  }

  private look(): void {
    this.scheduled = false;
    const from = this.position;
    const to = Math.min(this.end(), from + recordsAtOnce);
    if (this.all.size === 0 || to <= from) return;
    this.position = to;
    for (const subscription of this.ofEverything) subscription.found(from, to - 1);
    if (this.byKey.size > 0 || this.byPrefix.size > 0) {
      for (const segment of this.segments.overlapping(from, to)) {
        const start = Math.max(from, segment.startSequence);
        const end = Math.min(to, segment.endSequence);
        if (segment instanceof Head) this.lookInto(segment, start, end);
        else for (const subscription of this.all) subscription.found(start, end - 1);
      }
    }
    this.advanced();
  }

  private lookInto(head: Head, from: number, to: number): void {
    for (let sequence = from; sequence < to; sequence++) {
      const key = head.keys.bytesOf(head.keyNumberAt(sequence));
      if (this.byKey.size > 0) tell(this.byKey.get(nameOf(key, key.length)), sequence);
      for (const [length, prefixes] of this.byPrefix) {
        if (length <= key.length) tell(prefixes.get(nameOf(key, length)), sequence);
      }
    }
  }
}

function tell(subscriptions: Set<Subscription> | undefined, sequence: number): void {
  if (subscriptions !== undefined) for (const each of subscriptions) each.found(sequence, sequence);
}

function nameOf(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
}

/** Knows between which sequences there were records of a selection since it began. */
class Subscription {
  private first = Number.POSITIVE_INFINITY;
  private last = -1;
  private wake: ((found: boolean) => void) | undefined;
  private ended = false;
  private readonly onClose: () => void;

  constructor(onClose: () => void) {
    this.onClose = onClose;
  }

  /** There are records from `first` up to `last`, which included. */
  found(first: number, last: number): void {
    this.first = Math.min(this.first, first);
    this.last = Math.max(this.last, last);
    this.wake?.(true);
  }

  /**
   * Where there is something to read from `sequence` on, which is not before the subscription began; undefined when
   * nothing is known of.
   */
  from(sequence: number): number | undefined {
    if (this.last >= sequence) return Math.max(this.first, sequence);
    this.first = Number.POSITIVE_INFINITY;
    this.last = -1;
    return undefined;
  }

  /**
   * Resolves true when there is something to read from `sequence` on, false at the time-out, on abort, or when waits
   * end. One wait at a time.
   */
  wait(sequence: number, { timeoutMs, signal }: WaitOptions): Promise<boolean> {
    if (this.from(sequence) !== undefined) return Promise.resolve(true);
    if (this.ended || signal?.aborted || (timeoutMs !== undefined && timeoutMs <= 0)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (found: boolean) => {
        if (found && this.from(sequence) === undefined) return;
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.wake = undefined;
        resolve(found);
      };
      const giveUp = () => finish(false);
      const timer = giveUpAfter(timeoutMs, giveUp);
      signal?.addEventListener('abort', giveUp);
      this.wake = finish;
    });
  }

  /** True when waits have ended for good. */
  get isEnded(): boolean {
    return this.ended;
  }

  /** Ends waits, now and later. */
  end(): void {
    this.ended = true;
    this.wake?.(false);
  }

  close(): void {
    this.onClose();
  }
}
