import { Backoff } from './backoff.ts';
import type { CommitGroup } from './commit-group.ts';
import { yieldToLoop } from './deadline.ts';
import type { Engine, EngineOp, EngineWriteOptions } from './engine.ts';
import { isFatal, type StorageError, toStorageError } from './errors.ts';
import type { Logger } from './logger.ts';

/** Where the loop gets its commit groups from: the journal. */
export interface GroupSource {
  readonly durableGroup: number;
  /** Closes and hands over the oldest group that is not committed yet. */
  takeGroup(): CommitGroup | undefined;
  /** Whether somebody waits for a group that was not taken. */
  hasDemand(): boolean;
  /** Whether somebody waits for one that is large. */
  hasLargeDemand(): boolean;
  groupDurable(group: CommitGroup): void;
  /** Since when the oldest group that was not taken waits, by the monotonic clock. */
  oldestGroupMs(): number | undefined;
  fail(error: StorageError): void;
}

export interface CommitLoopOptions {
  readonly logger: Logger;
  /** Least time between the starts of two commits; what a store that bills by request needs. */
  readonly minIntervalMs: number;
  /** First pause before rows are written again after an error that may pass; it doubles up to 5 s. Default 100. */
  readonly retryMs?: number | undefined;
  /** Observes every commit. */
  readonly onCommit?: (stats: CommitStats) => void;
  /** Called once when the loop ends for good. */
  readonly onFailure?: (error: StorageError) => void;
}

export interface CommitStats {
  readonly durationMs: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface SubmitOptions {
  /** The batch goes with this commit group or later, never earlier. */
  readonly afterGroup?: number;
  /** Ends the engine's table behind the batch, see {@link EngineWriteOptions}. */
  readonly endsTable?: boolean;
}

/** What is written at once. */
interface Turn {
  readonly group: CommitGroup | undefined;
  readonly units: readonly Unit[];
  readonly ops: readonly EngineOp[];
  readonly endsTable: boolean;
  /** Since when the oldest part of it waits. */
  readonly sinceMs: number;
  /** What it failed with, or undefined when it is durable; once it is being written. */
  outcome?: Promise<StorageError | undefined>;
}

interface Unit {
  readonly ops: readonly EngineOp[];
  readonly endsTable: boolean;
  readonly sizeBytes: number;
  readonly afterGroup: number;
  readonly submittedMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** How many bytes of pages and deletions are written at once. */
const turnBytes = 4 * 1024 * 1024;
/**
 * With a journal group, for which somebody waits, they are at most twice as many as its own, or this: what is written
 * again as pages keeps up with what arrives, and does not hold it up for long.
 */
const leastTurnBytes = 256 * 1024;
/** Deletions cost by the row, not by the byte. */
const turnRows = 2000;
/** How many bytes may wait before writers of pages have to. */
const queueBytes = 16 * 1024 * 1024;
const defaultRetryMs = 100;
const longestRetryMs = 5_000;

/**
 * The only writer of a database. Each turn takes one commit group of the journal and some of the other batches that
 * wait, writes them as one, makes them durable, tells everybody who waits, and starts again. It runs on demand.
 *
 * While a turn is made durable the next one may follow, where it is large and nothing sets a distance between commits.
 * While the store does not answer, the loop waits; after an error that may pass it writes the same rows again.
 */
export class CommitLoop {
  readonly #engine: Engine;
  readonly #options: CommitLoopOptions;
  #source: GroupSource | undefined;
  #units: Unit[] = [];
  /** What is being written: one turn, or two. */
  #turns: Turn[] = [];
  /** The outcome of what was given to the engine last, which settles after those before. */
  #lastOutcome: Promise<unknown> | undefined;
  #isRepeating = false;
  #unitBytes = 0;
  #running: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #lastDurableMs = performance.now();
  #urgent = false;
  #endPause: (() => void) | undefined;
  #roomWaiters: (() => void)[] = [];
  #failure: StorageError | undefined;

  constructor(engine: Engine, options: CommitLoopOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Connects the journal; once, before the first turn. */
  attach(source: GroupSource): void {
    this.#source = source;
  }

  get failure(): StorageError | undefined {
    return this.#failure;
  }

  /** Whether no call into the engine is under way. */
  get isResting(): boolean {
    return this.#running === undefined;
  }

  /** Bytes of batches that were submitted and are not durable. */
  get pendingBytes(): number {
    return this.#unitBytes;
  }

  /** When the last commit became durable, by the monotonic clock. */
  get lastDurableMs(): number {
    return this.#lastDurableMs;
  }

  /** Age of the oldest thing that waits to become durable; 0 when nothing does. */
  oldestPendingAgeMs(): number {
    const since = Math.min(
      this.#turns[0]?.sinceMs ?? Number.POSITIVE_INFINITY,
      this.#units[0]?.submittedMs ?? Number.POSITIVE_INFINITY,
      this.#source?.oldestGroupMs() ?? Number.POSITIVE_INFINITY,
    );
    return since === Number.POSITIVE_INFINITY ? 0 : performance.now() - since;
  }

  /** Starts the loop if it rests. */
  wake(): void {
    if (this.#running !== undefined || this.#failure !== undefined) return;
    this.#running = this.#run()
      .catch((error: unknown) => this.fail(toStorageError(error)))
      // Of a database that is lost, the last writes are not over yet.
      .then(async () => void (await this.#lastOutcome))
      .finally(() => {
        this.#running = undefined;
        if (this.#hasWork()) this.wake();
      });
  }

  /** Starts the next turn without waiting out the interval. */
  hurry(): void {
    this.#urgent = true;
    this.#endPause?.();
    this.wake();
  }

  /**
   * Adds an atomic batch; batches become durable in the order in which they are submitted. Has no deadline: it settles
   * when the batch is durable, or when the database is lost or closed, so its outcome is always known.
   */
  submit(ops: readonly EngineOp[], options: SubmitOptions = {}): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    let sizeBytes = 0;
    for (const op of ops) sizeBytes += op.key.length + (op.value?.length ?? 0);
    return new Promise((resolve, reject) => {
      const { afterGroup = 0, endsTable = false } = options;
      this.#units.push({ ops, endsTable, sizeBytes, afterGroup, submittedMs: performance.now(), resolve, reject });
      this.#unitBytes += sizeBytes;
      this.wake();
    });
  }

  /** Resolves when there is room for a further page. @throws StorageError once the database is lost */
  async room(): Promise<void> {
    while (this.#unitBytes > queueBytes && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when nothing is left to commit or the database is lost. */
  async drain(): Promise<void> {
    this.hurry();
    while (this.#running !== undefined) {
      await this.#running;
      if (this.#hasWork()) this.hurry();
    }
    this.#urgent = false;
  }

  /** The database is lost or closed: everybody who waits is told so, and nothing is written any more. */
  fail(error: StorageError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const unit of [...this.#turns.flatMap((turn) => turn.units), ...this.#units]) unit.reject(error);
    this.#turns = [];
    this.#units = [];
    this.#unitBytes = 0;
    this.#wakeRoomWaiters();
    this.#source?.fail(error);
    this.#endPause?.();
    this.#options.onFailure?.(error);
  }

  #hasWork(): boolean {
    return this.#failure === undefined && (this.#units.length > 0 || this.#source?.hasDemand() === true);
  }

  /**
   * Starts to write a second turn while the first one is under way. For groups that are large already: taking a small one
   * early would leave out those who are about to join it.
   */
  startNext(): void {
    if (!this.canStartNext) return;
    const turn = this.#takeTurn();
    if (turn !== undefined) void this.#outcomeOf(turn);
  }

  /** Whether {@link startNext} would do something. */
  get canStartNext(): boolean {
    return (
      this.#turns.length === 1 &&
      this.#turns[0]!.outcome !== undefined &&
      !this.#isRepeating &&
      this.#failure === undefined &&
      this.#options.minIntervalMs === 0 &&
      this.#engine.overlaps === true
    );
  }

  async #run(): Promise<void> {
    while (this.#hasWork() || this.#turns.length > 0) {
      if (this.#turns.length === 0) {
        // Callers of the same turn of the event loop, and those that the last commit has just answered, join.
        await yieldToLoop();
        await this.#pause();
        if (this.#failure !== undefined) return;
        this.#lastStartMs = performance.now();
        this.#takeTurn();
      }
      const turn = this.#turns[0];
      if (turn === undefined) continue;
      const error = await this.#outcomeOf(turn);
      if (error !== undefined) await this.#repeat(error);
      else if (this.#failure === undefined) this.#finish(turn);
      if (this.#failure !== undefined) return;
      if (this.#source?.hasLargeDemand() === true) this.startNext();
    }
  }

  #takeTurn(): Turn | undefined {
    const group = this.#source?.takeGroup();
    const units =
      group === undefined
        ? this.#takeUnits(this.#source?.durableGroup ?? 0, turnBytes)
        : this.#takeUnits(group.number, Math.min(turnBytes, Math.max(leastTurnBytes, 2 * group.sizeBytes)));
    if (group === undefined && units.length === 0) return undefined;
    const nowMs = performance.now();
    const ops = group?.rows() ?? [];
    for (const unit of units) for (const op of unit.ops) ops.push(op);
    const turn: Turn = {
      group,
      units,
      ops,
      endsTable: units.some((unit) => unit.endsTable),
      sinceMs: Math.min(group?.openedMs ?? nowMs, units[0]?.submittedMs ?? nowMs),
    };
    this.#turns.push(turn);
    return turn;
  }

  async #pause(): Promise<void> {
    const delayMs = this.#lastStartMs + this.#options.minIntervalMs - performance.now();
    if (delayMs > 0 && !this.#urgent) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        this.#endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#endPause = undefined;
    }
    this.#urgent = false;
  }

  #takeUnits(group: number, limitBytes: number): readonly Unit[] {
    const units = this.#units;
    let count = 0;
    let sizeBytes = 0;
    let rows = 0;
    while (count < units.length) {
      const unit = units[count]!;
      if (unit.afterGroup > group) break;
      if (count > 0 && (sizeBytes + unit.sizeBytes > limitBytes || rows + unit.ops.length > turnRows)) break;
      sizeBytes += unit.sizeBytes;
      rows += unit.ops.length;
      count++;
    }
    return units.splice(0, count);
  }

  #outcomeOf(turn: Turn): Promise<StorageError | undefined> {
    turn.outcome ??= this.#lastOutcome = this.#write(turn.ops, { endsTable: turn.endsTable });
    return turn.outcome;
  }

  async #write(ops: readonly EngineOp[], options: EngineWriteOptions): Promise<StorageError | undefined> {
    const startedMs = performance.now();
    try {
      await this.#engine.write(ops, options);
      if (this.#failure === undefined) this.#wrote(startedMs, ops);
      return undefined;
    } catch (thrown) {
      return toStorageError(thrown);
    }
  }

  /**
   * Writes again what was under way, unless the database is lost: two turns as one batch, because the first one alone
   * could undo what is durable of the second.
   */
  async #repeat(failed: StorageError): Promise<void> {
    this.#isRepeating = true;
    const turns = [...this.#turns];
    await this.#lastOutcome;
    const ops = turns.flatMap((turn) => turn.ops);
    const endsTable = turns.some((turn) => turn.endsTable);
    const backoff = new Backoff(this.#options.retryMs ?? defaultRetryMs, longestRetryMs);
    let error: StorageError | undefined = failed;
    while (error !== undefined) {
      if (isFatal(error)) this.fail(error);
      if (this.#failure !== undefined) return;
      const retryMs = backoff.failed();
      this.#options.logger.warn({ err: error, retryMs }, 'a commit failed and is written again');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      if (this.#failure !== undefined) return;
      error = await this.#write(ops, { endsTable, repeats: true });
    }
    this.#isRepeating = false;
    if (this.#failure === undefined) for (const turn of turns) this.#finish(turn);
  }

  #finish(turn: Turn): void {
    this.#turns.shift();
    if (turn.group !== undefined) this.#source?.groupDurable(turn.group);
    this.#releaseUnits(turn.units);
  }

  #wrote(startedMs: number, ops: readonly EngineOp[]): void {
    this.#lastDurableMs = performance.now();
    const { onCommit } = this.#options;
    if (onCommit === undefined) return;
    let sizeBytes = 0;
    for (const op of ops) sizeBytes += op.key.length + (op.value?.length ?? 0);
    onCommit({ durationMs: this.#lastDurableMs - startedMs, rows: ops.length, sizeBytes });
  }

  #releaseUnits(units: readonly Unit[]): void {
    for (const unit of units) {
      this.#unitBytes -= unit.sizeBytes;
      unit.resolve();
    }
    if (this.#unitBytes <= queueBytes) this.#wakeRoomWaiters();
  }

  #wakeRoomWaiters(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}
