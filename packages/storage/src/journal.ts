import { CommitGroup, FramePool, type Waiter } from './commit-group.ts';
import type { CommitLoop, GroupSource } from './commit-loop.ts';
import { unanswered } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import { maxEntryBytes } from './journal-frame.ts';
import { type JournalEntry, type JournalState, recoverJournal } from './journal-recovery.ts';
import { LaneRows } from './lane-rows.ts';

/** Lanes are independent ordered sub-journals: one for a time window, one for a segment. */
export interface Journal {
  /**
   * Adds an entry to the commit group that is open, and answers the group's number. The bytes are copied. Entries that
   * are appended without yielding to the event loop in between are in one group: recovered all or none.
   * Without a {@link committed} call the group is committed within about 100 ms.
   *
   * Lane ids are never used again after the lane was sealed.
   * @throws StorageError `overloaded` (nothing was added), `fenced`, `closed`
   */
  append(lane: number, entry: Uint8Array): number;
  /**
   * Adds several entries as {@link append} does, all of them or none: they count as one against the budget.
   * @throws as {@link append}, and then nothing was added
   */
  appendAll(entries: readonly LaneEntry[]): number;
  /**
   * Resolves when the group is durable.
   * @throws StorageError `fenced`, `closed`, or `unavailable` after the deadline: it may become durable later
   */
  committed(group: number): Promise<void>;
  /** The number of the last group that has an entry. */
  readonly lastGroup: number;
  /** Every group up to this one is durable. */
  readonly durableGroup: number;
  /** Commits everything appended so far, now. */
  flush(): Promise<void>;
  /** Calls back after every commit with the durable group; returns how to stop that. */
  onDurable(listener: (group: number) => void): () => void;
  /** Bytes of entries that are not durable yet. */
  readonly pendingBytes: number;
  /** How many bytes (or one append of any size) may be pending before {@link append} throws `overloaded`. */
  readonly budgetBytes: number;
  /**
   * Every entry of every live lane, in the order of their appends; to be run to its end once, before the first append.
   * Entries are views of larger buffers.
   * @throws StorageError `corrupt`
   */
  recover(): AsyncIterable<JournalEntry>;
  /** Ids of the lanes that have entries and are not sealed. */
  lanes(): readonly number[];
}

/** What is to be added to a lane. */
export interface LaneEntry {
  readonly lane: number;
  readonly entry: Uint8Array;
}

export interface JournalOptions {
  readonly budgetBytes: number;
  /** How long {@link Journal.committed} waits. */
  readonly deadlineMs: number;
  /** After which time entries are committed that nobody waits for. */
  readonly idleCommitMs: number;
  /** A group of this size is closed at the end of the synchronous run that filled it. Default 8 MiB. */
  readonly groupBytes?: number | undefined;
  /** A group of this size is written while the one before it is still being made durable. Default 64 KiB. */
  readonly largeGroupBytes?: number | undefined;
  /** Called after recovery with the sealed lanes, whose rows are known now. */
  readonly onRecovered?: (sealedLanes: readonly number[]) => void;
}

const defaultGroupBytes = 8 * 1024 * 1024;
const defaultLargeGroupBytes = 64 * 1024;

export class WritableJournal implements Journal, GroupSource {
  readonly #engine: EngineReader;
  readonly #loop: CommitLoop;
  readonly #options: JournalOptions;
  readonly #sealed: Set<number>;
  readonly #floor: number;
  readonly #groupBytes: number;
  readonly #largeGroupBytes: number;
  readonly #pool = new FramePool();
  readonly #lanes = new Map<number, LaneRows>();
  readonly #listeners = new Set<(group: number) => void>();
  #recovered = false;
  #lastNumber: number;
  #durable: number;
  #pendingBytes = 0;
  /** The group that takes entries. */
  #open: CommitGroup | undefined;
  /** Groups that are full. */
  #full: CommitGroup[] = [];
  /** Groups that are being written. */
  #taken: CommitGroup[] = [];
  #demandUpTo = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #failure: StorageError | undefined;
  #refusal: StorageError | undefined;
  #refused = 0;

  constructor(engine: EngineReader, loop: CommitLoop, state: JournalState, options: JournalOptions) {
    this.#engine = engine;
    this.#loop = loop;
    this.#options = options;
    this.#groupBytes = options.groupBytes ?? defaultGroupBytes;
    this.#largeGroupBytes = options.largeGroupBytes ?? defaultLargeGroupBytes;
    this.#sealed = new Set(state.sealedLanes);
    this.#floor = state.floorGroup;
    this.#lastNumber = state.lastGroup;
    this.#durable = state.lastGroup;
    loop.attach(this);
  }

  get lastGroup(): number {
    return this.#lastNumber;
  }

  get durableGroup(): number {
    return this.#durable;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  /** How many appends were refused as `overloaded`. */
  get refused(): number {
    return this.#refused;
  }

  get isRecovered(): boolean {
    return this.#recovered;
  }

  append(lane: number, entry: Uint8Array): number {
    this.#admit(entry.length);
    this.#check(lane, entry);
    return this.#add(lane, entry);
  }

  appendAll(entries: readonly LaneEntry[]): number {
    let sizeBytes = 0;
    for (const { entry } of entries) sizeBytes += entry.length;
    this.#admit(sizeBytes);
    for (const { lane, entry } of entries) this.#check(lane, entry);
    for (const { lane, entry } of entries) this.#add(lane, entry);
    return this.#lastNumber;
  }

  #admit(sizeBytes: number): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#pendingBytes + sizeBytes > this.#options.budgetBytes && this.#pendingBytes > 0) {
      throw this.#overloaded(sizeBytes);
    }
  }

  #check(lane: number, entry: Uint8Array): void {
    if (this.#sealed.has(lane)) throw new StorageError('internal', `lane ${lane} is sealed`);
    if (entry.length > maxEntryBytes) throw new StorageError('internal', `entry of ${entry.length} bytes is too large`);
  }

  #add(lane: number, entry: Uint8Array): number {
    const group = this.#open ?? this.#openGroup();
    this.#pendingBytes += entry.length;
    group.append(lane, entry);
    if (group.sizeBytes >= this.#groupBytes) this.#closeAfterThisRun(group);
    else if (group.sizeBytes >= this.#largeGroupBytes && this.#loop.canStartNext) this.#startAfterThisRun();
    return group.number;
  }

  #openGroup(): CommitGroup {
    if (!this.#recovered)
      throw new StorageError('internal', 'recover() must be run to its end before the first append');
    this.#open = new CommitGroup(++this.#lastNumber, performance.now(), this.#pool);
    this.#idleTimer ??= setTimeout(() => {
      this.#idleTimer = undefined;
      this.#demand(this.#lastNumber);
    }, this.#options.idleCommitMs);
    return this.#open;
  }

  #overloaded(entryBytes: number): StorageError {
    const { budgetBytes } = this.#options;
    this.#refused++;
    return new StorageError(
      'overloaded',
      `${this.#pendingBytes} bytes wait to become durable, the budget is ${budgetBytes} bytes`,
      { details: { pendingBytes: this.#pendingBytes, budgetBytes, entryBytes } },
    );
  }

  #closeAfterThisRun(group: CommitGroup): void {
    queueMicrotask(() => {
      if (this.#open !== group) return;
      this.#full.push(group);
      this.#open = undefined;
      this.#demand(group.number);
    });
  }

  #startAfterThisRun(): void {
    queueMicrotask(() => {
      if (this.hasLargeDemand()) this.#loop.startNext();
    });
  }

  #demand(group: number): void {
    if (group > this.#demandUpTo) this.#demandUpTo = group;
    if (this.hasDemand()) this.#loop.wake();
  }

  committed(group: number): Promise<void> {
    if (group <= this.#durable) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const pending = this.#pendingGroup(group);
    if (pending === undefined) {
      return Promise.reject(new StorageError('internal', `there is no commit group ${group}`));
    }
    return new Promise((resolve, reject) => {
      pending.waiters.push({ resolve, reject, deadlineMs: performance.now() + this.#options.deadlineMs });
      this.#deadlineTimer ??= this.#startDeadlineTimer();
      this.#demand(group);
    });
  }

  #pendingGroup(number: number): CommitGroup | undefined {
    if (this.#open?.number === number) return this.#open;
    return [...this.#taken, ...this.#full].find((group) => group.number === number);
  }

  #pendingGroups(): CommitGroup[] {
    return [...this.#taken, ...this.#full, ...(this.#open === undefined ? [] : [this.#open])];
  }

  #startDeadlineTimer(): NodeJS.Timeout {
    return setInterval(() => this.#rejectOverdue(), Math.max(10, Math.min(250, this.#options.deadlineMs / 8)));
  }

  #rejectOverdue(): void {
    const now = performance.now();
    let waiting = false;
    for (const group of this.#pendingGroups()) {
      const left: Waiter[] = [];
      for (const waiter of group.waiters) {
        if (waiter.deadlineMs > now) left.push(waiter);
        else waiter.reject(unanswered('commit', this.#options.deadlineMs));
      }
      group.waiters = left;
      waiting ||= left.length > 0;
    }
    if (!waiting) this.#stopDeadlineTimer();
  }

  #stopDeadlineTimer(): void {
    clearInterval(this.#deadlineTimer);
    this.#deadlineTimer = undefined;
  }

  flush(): Promise<void> {
    if (this.#durable >= this.#lastNumber) return Promise.resolve();
    const committed = this.committed(this.#lastNumber);
    this.#loop.hurry();
    return committed;
  }

  onDurable(listener: (group: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *recover(): AsyncGenerator<JournalEntry, void, undefined> {
    if (this.#recovered) return;
    for await (const entry of recoverJournal(this.#engine, this.#floor, this.#sealed, (group, lane, part, sizeBytes) =>
      this.#addRow(group, lane, part + 1, sizeBytes),
    )) {
      yield entry;
    }
    this.#recovered = true;
    this.#options.onRecovered?.([...this.#sealed]);
  }

  #addRow(group: number, lane: number, parts: number, sizeBytes: number): void {
    let rows = this.#lanes.get(lane);
    if (rows === undefined) this.#lanes.set(lane, (rows = new LaneRows()));
    rows.add(group, parts, sizeBytes);
  }

  lanes(): readonly number[] {
    const lanes = new Set(this.#lanes.keys());
    for (const group of this.#pendingGroups()) group.eachLane((lane) => lanes.add(lane));
    return [...lanes].filter((lane) => !this.#sealed.has(lane)).sort((a, b) => a - b);
  }

  /** From now on nothing can be appended to the lanes. Answers the last group that may have entries of them. */
  seal(lanes: Iterable<number>): number {
    for (const lane of lanes) {
      if (this.#sealed.has(lane)) throw new StorageError('internal', `lane ${lane} is sealed already`);
    }
    for (const lane of lanes) this.#sealed.add(lane);
    return this.#lastNumber;
  }

  /** The rows of a lane that are durable. */
  rowsOf(lane: number): LaneRows | undefined {
    return this.#lanes.get(lane);
  }

  /** Bytes of the durable rows: of lanes that are not sealed, and of sealed lanes that were not forgotten yet. */
  rowBytes(): { readonly liveBytes: number; readonly garbageBytes: number } {
    let liveBytes = 0;
    let garbageBytes = 0;
    for (const [lane, { sizeBytes }] of this.#lanes) {
      if (this.#sealed.has(lane)) garbageBytes += sizeBytes;
      else liveBytes += sizeBytes;
    }
    return { liveBytes, garbageBytes };
  }

  /** Forgets a lane whose rows are deleted in the batch that is about to be written; the state to write with it. */
  forget(lane: number): { floorGroup: number; lastGroup: number } {
    this.#lanes.delete(lane);
    let floorGroup = this.#durable + 1;
    for (const rows of this.#lanes.values()) floorGroup = Math.min(floorGroup, rows.firstGroup);
    return { floorGroup, lastGroup: this.#durable };
  }

  hasDemand(): boolean {
    const next = this.#full[0] ?? this.#open;
    return next !== undefined && next.number <= this.#demandUpTo;
  }

  hasLargeDemand(): boolean {
    if (!this.hasDemand()) return false;
    return this.#full.length > 0 || this.#open!.sizeBytes >= this.#largeGroupBytes;
  }

  get waiting(): number {
    let waiting = this.#open?.waiters.length ?? 0;
    for (const group of this.#full) waiting += group.waiters.length;
    return waiting;
  }

  oldestGroupMs(): number | undefined {
    return (this.#full[0] ?? this.#open)?.openedMs;
  }

  gatheringSinceMs(): number | undefined {
    return this.#full.length > 0 ? undefined : this.#open?.openedMs;
  }

  takeGroup(): CommitGroup | undefined {
    let group = this.#full.shift();
    if (group === undefined) {
      group = this.#open;
      this.#open = undefined;
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
    }
    if (group !== undefined) this.#taken.push(group);
    return group;
  }

  groupDurable(group: CommitGroup): void {
    this.#taken.shift();
    this.#durable = group.number;
    this.#pendingBytes -= group.sizeBytes;
    group.eachLane((lane, parts, sizeBytes) => this.#addRow(group.number, lane, parts, sizeBytes));
    group.release();
    for (const waiter of group.waiters) waiter.resolve();
    if (this.#deadlineTimer !== undefined && this.#pendingGroups().every(({ waiters }) => waiters.length === 0)) {
      this.#stopDeadlineTimer();
    }
    for (const listener of this.#listeners) listener(group.number);
  }

  /** From now on nothing can be appended; what was appended is still committed. */
  refuse(error: StorageError): void {
    this.#refusal ??= error;
  }

  fail(error: StorageError): void {
    this.refuse(error);
    this.#failure = error;
    clearTimeout(this.#idleTimer);
    this.#stopDeadlineTimer();
    for (const group of this.#pendingGroups()) {
      for (const waiter of group.waiters) waiter.reject(error);
      group.waiters = [];
    }
  }
}
