import { Backoff } from './backoff.ts';
import type { CommitGroup } from './commit-group.ts';
import { type Turn, takeTurn, type Unit } from './commit-turn.ts';
import { EndableSleep, yieldToLoop } from './deadline.ts';
import type { Engine, EngineOp, EngineWriteOptions } from './engine.ts';
import { isFatal, type StorageError, toStorageError } from './errors.ts';
import { type Gathered, Gathering } from './gathering.ts';
import type { Logger } from './logger.ts';

/** Where the loop gets its commit groups from: the journal. */
export interface GroupSource extends Gathered {
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
  /** How long a commit waits, at most, for those whom the one before has answered, see {@link Gathering}. Default 0. */
  readonly gatherMs?: number | undefined;
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
  readonly #sleep = new EndableSleep();
  readonly #gathering: Gathering;
  #isGathering = false;
  #nextTimer: NodeJS.Timeout | undefined;
  #roomWaiters: (() => void)[] = [];
  #failure: StorageError | undefined;

  constructor(engine: Engine, options: CommitLoopOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#gathering = new Gathering(options.gatherMs ?? 0);
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

  /** Starts the loop if it rests, or if it has waited for this. */
  wake(): void {
    if (this.#isGathering && this.#leftToGatherMs() === 0) this.#sleep.end();
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
    this.#sleep.end();
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
    this.#sleep.end();
    this.#options.onFailure?.(error);
  }

  #hasWork(): boolean {
    return this.#failure === undefined && (this.#units.length > 0 || this.#source?.hasDemand() === true);
  }

  /**
   * Starts to write a second turn while the first one is under way. For groups that are large already: taking a small one
   * early would leave out those who are about to join it, and so would taking one that others are expected to join.
   */
  startNext(): void {
    if (!this.canStartNext) return;
    const leftMs = this.#leftToGatherMs();
    if (leftMs > 0) {
      this.#nextTimer ??= setTimeout(() => this.#endWaitForNext(), leftMs).unref();
      return;
    }
    const turn = this.#takeTurn();
    if (turn !== undefined) void this.#outcomeOf(turn);
  }

  /** Those who were expected may be in the turn that is under way, and that one may take long. */
  #endWaitForNext(): void {
    this.#nextTimer = undefined;
    if (!this.canStartNext || this.#source?.hasLargeDemand() !== true) return;
    if (this.#leftToGatherMs() === 0) this.#gathering.ended(this.#source);
    this.startNext();
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
    const turn = takeTurn(this.#source?.takeGroup(), this.#units, this.#source?.durableGroup ?? 0);
    if (turn !== undefined) this.#turns.push(turn);
    return turn;
  }

  #leftToGatherMs(): number {
    return this.#source === undefined ? 0 : this.#gathering.leftMs(this.#source);
  }

  async #pause(): Promise<void> {
    const delayMs = this.#lastStartMs + this.#options.minIntervalMs - performance.now();
    const gatherMs = this.#leftToGatherMs();
    if (delayMs > 0 && !this.#urgent) await this.#sleep.forMs(delayMs);
    else if (gatherMs > 0 && !this.#urgent) {
      this.#isGathering = true;
      await this.#sleep.forMs(gatherMs);
      this.#isGathering = false;
      if (!this.#urgent) this.#gathering.ended(this.#source!);
    }
    this.#urgent = false;
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
    if (turn.group !== undefined && this.#source !== undefined) {
      const answered = turn.group.waiters.length;
      this.#source.groupDurable(turn.group);
      this.#gathering.answered(answered, this.#source.waiting);
    }
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
