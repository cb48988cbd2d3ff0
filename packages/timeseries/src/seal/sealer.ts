import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Backoff, isStorageError, type Logger, type Storage } from '@opendata/storage';
import type { Block } from '../block/block.ts';
import type { BlockSet } from '../block/block-set.ts';
import { blockSource } from '../block/block-source.ts';
import { PageFormatError } from '../block/codec/index.ts';
import { BLOCK_KIND } from '../block/index/block-format.ts';
import { encodeDescriptor } from '../block/index/descriptor.ts';
import type { BlockSource } from '../block/sources.ts';
import { writeBlock } from '../block/write-block.ts';
import type { ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';
import { headSource } from './head-source.ts';
import { type Job, type PlannedHead, planJob, type SealOptions } from './plan.ts';
import { dropWindows, type RetentionOptions, retain } from './retention.ts';

/** Counters since the start. */
export interface SealStats {
  readonly sealedSamples: number;
  readonly seals: number;
  readonly sealSeconds: number;
  readonly merges: number;
  readonly mergeSeconds: number;
  readonly failures: number;
}

export interface SealerOptions extends SealOptions, RetentionOptions {
  readonly head: Head;
  readonly blocks: BlockSet;
  readonly storage: Storage;
  readonly exemplars: ExemplarRing;
  readonly logger: Logger;
  readonly now: () => number;
  /** Bytes of head memory at which writes are refused. */
  readonly headBudgetBytes: number;
}

export interface FlushResult {
  /** Blocks that were written for windows in memory, and their samples. */
  readonly sealedBlocks: number;
  readonly sealedSamples: number;
}

/** So often it looks whether there is something to do: what has become quiet is sealed at once. */
const TICK_MS = 150;
/** Background work gives the event loop its turn this often. */
const TURN_MS = 5;
/** It lets queries that follow one another at most so closely go first, for so long in one job; then it has a fifth. */
const QUERIES_MS = 50;
const LONGEST_POLITE_MS = 30_000;
const PAUSE_MS = 20;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const RETENTION_CHECK_MS = 60_000;
/** Share of the budget for samples at which heads are sealed before their window is complete. */
const PRESSED_SHARE = 0.6;
/** What a sample in memory takes, with its share of chunks that are not full. */
const SAMPLE_BYTES = 13;

interface HeadWatch {
  appends: number;
  changedMs: number;
  readonly seenMs: number;
}

/**
 * Turns heads into blocks, merges blocks as they age, and lets go what is past the retention: one thing at a time, in
 * the background.
 */
export class Sealer {
  readonly #options: SealerOptions;
  readonly #watches = new Map<number, HeadWatch>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #unreadable = new Set<number>();
  /** The end of what is being done. */
  #work: Promise<unknown> = Promise.resolve();
  #isWorking = false;
  /** Flushes that are waited for. */
  #flushes = 0;
  #retryAtMs = 0;
  readonly #backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  #retainedAtMs = Number.NEGATIVE_INFINITY;
  #stats = { sealedSamples: 0, seals: 0, sealSeconds: 0, merges: 0, mergeSeconds: 0, failures: 0 };

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  /** From now on seals, merges and removes what is due, by itself. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  get stats(): SealStats {
    return this.#stats;
  }

  /**
   * Seals windows now: those whose end is past, or all; and merges what there is to merge.
   * @throws StorageError
   */
  async flush(force: 'complete' | 'all'): Promise<FlushResult> {
    const result = { sealedBlocks: 0, sealedSamples: 0 };
    this.#flushes++;
    await this.#enqueue(async () => {
      // Windows that open meanwhile are not waited for.
      const lanes = new Set(this.#options.head.windows().map(({ lane }) => lane));
      for (;;) {
        const job = this.#plan(force, (head) => lanes.has(head.lane));
        if (job === undefined) return;
        const samples = await this.#do(job);
        // Nor is there a block of windows without samples.
        if (job.kind === 'merge' || samples === 0) continue;
        result.sealedBlocks++;
        result.sealedSamples += samples;
      }
    }).finally(() => {
      this.#flushes--;
    });
    return result;
  }

  /** Lets go what is past the retention, now. */
  retain(): Promise<void> {
    return this.#enqueue(() => this.#retain());
  }

  /** Stops soon; a block that is half written is written anew after the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error('the database is closing'));
    await this.#work.catch(() => undefined);
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.catch(() => undefined).then(work);
    this.#work = done;
    return done;
  }

  #tick(): void {
    this.#watch();
    if (this.#isWorking || Date.now() < this.#retryAtMs) return;
    const isDue = Date.now() - this.#retainedAtMs >= RETENTION_CHECK_MS;
    if (!isDue && this.#plan() === undefined) return;
    this.#isWorking = true;
    this.#enqueue(() => this.#workOff(isDue))
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#isWorking = false;
      });
  }

  async #workOff(isRetentionDue: boolean): Promise<void> {
    if (isRetentionDue) await this.#retain();
    for (let job = this.#plan(); job !== undefined; job = this.#plan()) await this.#do(job);
    this.#backoff.succeeded();
  }

  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#stats.failures++;
    if (isStorageError(error) && (error.code === 'fenced' || error.code === 'closed')) {
      this.#options.logger.error({ err: error }, 'sealing has ended');
      clearInterval(this.#timer);
      return;
    }
    const retryMs = this.#backoff.failed();
    this.#options.logger.warn({ err: error, retryMs }, 'sealing failed, trying again');
    this.#retryAtMs = Date.now() + retryMs;
  }

  async #retain(): Promise<void> {
    const { head, blocks, storage, retentionMs, retentionBytes, now, logger } = this.#options;
    this.#retainedAtMs = Date.now();
    await retain({ head, blocks, storage, logger, nowMs: now() }, { retentionMs, retentionBytes });
  }

  /** Notes which heads got something since the last look. */
  #watch(): void {
    const nowMs = performance.now();
    const live = new Set<number>();
    for (const { lane, appends } of this.#options.head.windows()) {
      live.add(lane);
      const watch = this.#watches.get(lane);
      if (watch === undefined) this.#watches.set(lane, { appends, changedMs: nowMs, seenMs: nowMs });
      else if (watch.appends !== appends) {
        watch.appends = appends;
        watch.changedMs = nowMs;
      }
    }
    for (const lane of this.#watches.keys()) if (!live.has(lane)) this.#watches.delete(lane);
  }

  #plan(force?: 'complete' | 'all', filter: (head: WindowHead) => boolean = () => true): Job | undefined {
    if (this.#stopping.signal.aborted) return undefined;
    const { head, blocks, windowMs, graceMs, now } = this.#options;
    return planJob({
      heads: head
        .windows()
        .filter(filter)
        .map((window) => this.#planned(window)),
      blocks: blocks.list().map(({ id, sizeBytes, descriptor: { startMs, endMs, rank } }) => {
        return { id, sizeBytes, startMs, endMs, rank, isDamaged: this.#unreadable.has(id) };
      }),
      nowMs: now(),
      options: { windowMs, graceMs },
      isPressed: this.#isPressed(),
      force,
    });
  }

  /** Samples fill their share of the memory; what dropped windows hold is on its way out. */
  #isPressed(): boolean {
    const { head, headBudgetBytes } = this.#options;
    return head.sampleCount * SAMPLE_BYTES > (headBudgetBytes - head.series.memoryBytes) * PRESSED_SHARE;
  }

  #planned(window: WindowHead): PlannedHead {
    const { lane, startMs, endMs, sampleCount } = window;
    const watch = this.#watches.get(lane);
    const nowMs = performance.now();
    const isOpen = this.#options.head.isOpen(window);
    const quietMs = watch === undefined || watch.appends !== window.appends ? 0 : nowMs - watch.changedMs;
    return {
      lane,
      startMs,
      endMs,
      sampleCount,
      quietMs,
      ageMs: watch === undefined ? 0 : nowMs - watch.seenMs,
      isOpen,
    };
  }

  /** Answers the samples of the block that was written. */
  async #do(job: Job): Promise<number> {
    const startedMs = performance.now();
    const samples = job.kind === 'seal' ? await this.#seal(job) : await this.#merge(job);
    const seconds = (performance.now() - startedMs) / 1000;
    const stats = this.#stats;
    if (job.kind === 'seal') {
      stats.seals++;
      stats.sealSeconds += seconds;
      stats.sealedSamples += samples;
    } else {
      stats.merges++;
      stats.mergeSeconds += seconds;
    }
    return samples;
  }

  async #seal(job: Job & { readonly kind: 'seal' }): Promise<number> {
    const { head, exemplars, storage } = this.#options;
    const windows = job.lanes
      .map((lane) => head.window(lane)!)
      .sort((a, b) => a.startMs - b.startMs || a.lane - b.lane);
    for (const window of windows) head.close(window);
    const yielder = this.#yielder();
    const source = await headSource(head, windows, exemplars, yielder);
    if (source.seriesCount === 0) {
      await dropWindows(head, storage.blocks, windows);
      return 0;
    }
    return this.#write(job, [source], yielder, { lanes: job.lanes, blocks: [] }, () => {
      for (const window of windows) head.drop(window);
    });
  }

  async #merge(job: Job & { readonly kind: 'merge' }): Promise<number> {
    const replaced = this.#options.blocks.list().filter(({ id }) => job.blocks.includes(id));
    try {
      return await this.#write(job, replaced.map(blockSource), this.#yielder(), { lanes: [], blocks: replaced });
    } catch (error) {
      // A block that cannot be read stays as it is: reads say what is wrong with it.
      const isDamaged = error instanceof PageFormatError || (isStorageError(error) && error.code === 'corrupt');
      if (isDamaged) for (const id of job.blocks) this.#unreadable.add(id);
      throw error;
    }
  }

  async #write(
    { kind, startMs, endMs }: Job,
    sources: readonly BlockSource[],
    yielder: () => Promise<void>,
    covers: { readonly lanes: readonly number[]; readonly blocks: readonly Block[] },
    onPublished: () => void = () => undefined,
  ): Promise<number> {
    const { storage, blocks, logger } = this.#options;
    const startedMs = performance.now();
    const rank =
      kind === 'seal' ? blocks.nextRank : Math.max(...covers.blocks.map(({ descriptor }) => descriptor.rank));
    const writer = storage.blocks.create(BLOCK_KIND);
    try {
      const descriptor = await writeBlock(writer, sources, { startMs, endMs, rank, yielder });
      const info = await storage.blocks.publish(writer, {
        descriptor: encodeDescriptor(descriptor),
        sealsLanes: covers.lanes,
        replaces: covers.blocks.map(({ id }) => id),
      });
      blocks.replace(covers.blocks, info);
      onPublished();
      const { seriesCount: series, sampleCount: samples } = descriptor;
      const tookMs = Math.round(performance.now() - startedMs);
      const window = new Date(startMs).toISOString();
      const fields = { window, durationMs: endMs - startMs, series, samples, bytes: info.sizeBytes, tookMs };
      if (kind === 'seal') logger.info(fields, 'window sealed');
      else logger.info({ ...fields, merged: covers.blocks.length }, 'blocks merged');
      return samples;
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  /**
   * Gives the event loop its turns, and lets queries go first, unless somebody waits for the work or memory runs short.
   * Ends the work where the database is closing.
   */
  #yielder(): () => Promise<void> {
    const { signal } = this.#stopping;
    let waitEndMs = 0;
    let turnEnd = performance.now() + TURN_MS;
    return async () => {
      if (performance.now() < turnEnd) return;
      signal.throwIfAborted();
      if (this.#isPolite()) {
        if (waitEndMs === 0) waitEndMs = performance.now() + LONGEST_POLITE_MS;
        do await sleep(PAUSE_MS);
        while (performance.now() < waitEndMs && this.#isPolite() && !signal.aborted);
      } else await nextTurn();
      turnEnd = performance.now() + TURN_MS;
    };
  }

  #isPolite(): boolean {
    return this.#options.head.reads.isBusy(QUERIES_MS) && this.#flushes === 0 && !this.#isPressed();
  }
}
