import type { CommitLoop } from './commit-loop.ts';
import type { EngineOp, EngineReader } from './engine.ts';
import { StorageError, toStorageError } from './errors.ts';
import type { WritableJournal } from './journal.ts';
import { journalStateRow } from './journal-recovery.ts';
import { blockMarkerKey, journalKey, laneMarkerKey, pageKey, pageOfKey, pagesOf } from './keys.ts';
import type { Logger } from './logger.ts';

export interface SweeperOptions {
  readonly engine: EngineReader;
  readonly loop: CommitLoop;
  readonly journal: WritableJournal;
  readonly logger: Logger;
  /** Called when the last page of a block is gone. */
  readonly onBlockSwept: (id: number) => void;
  /** Called when the last row of a lane is gone. */
  readonly onLaneSwept: (lane: number) => void;
}

interface Job {
  readonly dueMs: number;
  readonly run: () => Promise<void>;
}

const rowsPerBatch = 500;
/**
 * Deleted journal rows leave nothing behind where they were deleted before the engine wrote them to a sorted file, and
 * those that live are better left in memory for the same reason. So a table is ended when lanes were swept, and what
 * lives is at most this share of what was deleted.
 */
const liveShare = 0.25;

/**
 * Deletes in the background what markers call garbage: pages of blocks that were removed or never published, and
 * journal rows of sealed lanes. The marker goes last, so that a crash in between only repeats the work.
 */
export class Sweeper {
  readonly stats = { rows: 0, blocks: 0, lanes: 0 };
  readonly #options: SweeperOptions;
  #jobs: Job[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Bytes of journal rows that were deleted since the engine's table was ended. */
  #deletedBytes = 0;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Number of blocks and lanes that wait to be swept. */
  get pending(): number {
    return this.#jobs.length;
  }

  /** Deletes the pages after a delay; `pages` undefined where their number is not known. */
  addBlock(id: number, pages: number | undefined, delayMs: number): void {
    this.#add(delayMs, () => this.#sweepBlock(id, pages));
  }

  addLane(lane: number): void {
    this.#add(0, () => this.#sweepLane(lane));
  }

  /** Resolves when nothing that is due is left. @throws StorageError once the database is lost or closed */
  async idle(): Promise<void> {
    this.#schedule();
    while (this.#running !== undefined) await this.#running;
    if (this.#options.loop.failure !== undefined) throw this.#options.loop.failure;
  }

  stop(): void {
    this.#stopped = true;
    this.#jobs = [];
    clearTimeout(this.#timer);
  }

  #add(delayMs: number, run: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#jobs.push({ dueMs: performance.now() + delayMs, run });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#stopped || this.#jobs.length === 0) return;
    clearTimeout(this.#timer);
    const waitMs = Math.min(...this.#jobs.map(({ dueMs }) => dueMs)) - performance.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#schedule(), Math.min(waitMs, 2 ** 30));
      this.#timer.unref();
      return;
    }
    this.#running = this.#runDue().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  async #runDue(): Promise<void> {
    for (;;) {
      const next = this.#jobs.findIndex(({ dueMs }) => dueMs <= performance.now());
      if (next < 0) return;
      const job = this.#jobs[next]!;
      try {
        await job.run();
        this.#jobs.splice(this.#jobs.indexOf(job), 1);
      } catch (thrown) {
        const error = toStorageError(thrown);
        if (this.#stopped || this.#options.loop.failure !== undefined) return this.stop();
        this.#options.logger.warn({ err: error }, 'deleting garbage failed; it is tried again');
        this.#jobs.splice(this.#jobs.indexOf(job), 1, { ...job, dueMs: performance.now() + 30_000 });
      }
    }
  }

  async #sweepBlock(id: number, pages: number | undefined): Promise<void> {
    const ops: EngineOp[] = [];
    for await (const page of pages === undefined ? this.#storedPages(id) : numbers(pages)) {
      ops.push({ key: pageKey(id, page), value: undefined });
      if (ops.length >= rowsPerBatch) await this.#submit(ops.splice(0));
    }
    ops.push({ key: blockMarkerKey(id), value: undefined });
    await this.#submit(ops);
    this.stats.blocks++;
    this.#options.onBlockSwept(id);
  }

  async *#storedPages(id: number): AsyncGenerator<number> {
    for await (const { key } of this.#options.engine.scan(pagesOf(id), { cache: false, keysOnly: true }))
      yield pageOfKey(key);
  }

  async #sweepLane(lane: number): Promise<void> {
    const { journal } = this.#options;
    const ops: EngineOp[] = [];
    const rows = journal.rowsOf(lane);
    for (const [group, part] of rows?.rows() ?? []) {
      ops.push({ key: journalKey(group, lane, part), value: undefined });
      if (ops.length >= rowsPerBatch) await this.#submit(ops.splice(0));
    }
    const { floorGroup, lastGroup } = journal.forget(lane);
    ops.push(journalStateRow(floorGroup, lastGroup), { key: laneMarkerKey(lane), value: undefined });
    this.#deletedBytes += rows?.sizeBytes ?? 0;
    const { liveBytes, garbageBytes } = journal.rowBytes();
    const isSwept = garbageBytes === 0 && this.#deletedBytes > 0;
    const endsTable = isSwept && liveBytes <= this.#deletedBytes * liveShare;
    if (endsTable) this.#deletedBytes = 0;
    await this.#submit(ops, endsTable);
    this.stats.lanes++;
    this.#options.onLaneSwept(lane);
  }

  async #submit(ops: readonly EngineOp[], endsTable = false): Promise<void> {
    // Whoever closes need not wait for what is left: markers say it to the next start.
    if (this.#stopped) throw new StorageError('closed', 'sweeping has ended');
    this.stats.rows += ops.length;
    await this.#options.loop.submit(ops, { endsTable });
  }
}

function* numbers(count: number): Generator<number> {
  for (let number = 0; number < count; number++) yield number;
}
