import { Backoff, isStorageError, pause, type Storage } from '@opendata/storage';
import type { Head } from './head/head.ts';
import type { Logger } from './logger.ts';
import { encodeDescriptor } from './segment/descriptor.ts';
import { SegmentReader } from './segment/segment-reader.ts';
import { writeSegment } from './segment/segment-writer.ts';
import type { SegmentSet } from './segment-set.ts';

/** Kind of the blocks that hold sealed segments. */
export const segmentBlockKind = 'segment';

const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * Turns heads that take no more records into blocks, one after the other, in the background. A block is published in
 * one step with the removal of the journal entries that it covers; until then reads go to the head.
 */
export class Sealer {
  private readonly storage: Storage;
  private readonly segments: SegmentSet;
  private readonly logger: Logger;
  private readonly onSealed: () => void;
  private readonly stopping = new AbortController();
  private work: Promise<void> | undefined;
  private waiters: (() => void)[] = [];
  private resting: NodeJS.Timeout | undefined;
  /** Segments sealed since the start. */
  sealedTotal = 0;
  failuresTotal = 0;

  constructor(storage: Storage, segments: SegmentSet, logger: Logger, onSealed: () => void = () => undefined) {
    this.storage = storage;
    this.segments = segments;
    this.logger = logger;
    this.onSealed = onSealed;
  }

  /** Starts to work in `restMs`, or before where something newer is to be sealed or somebody waits for a seal. */
  kickLater(restMs: number): void {
    this.resting = setTimeout(() => this.kick(), restMs);
    this.resting.unref();
  }

  /** Starts to work when there is something to seal. */
  kick(): void {
    clearTimeout(this.resting);
    if (this.work !== undefined || this.stopping.signal.aborted || this.segments.waiting.length === 0) return;
    this.work = this.sealWaiting().finally(() => {
      this.work = undefined;
      this.kick();
    });
  }

  /** Resolves when nothing waits to be sealed. */
  async idle(): Promise<void> {
    this.kick();
    while (this.work !== undefined) await this.work;
  }

  /** Resolves when the next segment is sealed, when the attempt fails, or after `timeoutMs`. */
  nextSealed(timeoutMs: number): Promise<void> {
    this.kick();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Stops soon; a segment half sealed is sealed anew after the next start. */
  async close(): Promise<void> {
    clearTimeout(this.resting);
    this.stopping.abort();
    await this.work;
  }

  private async sealWaiting(): Promise<void> {
    const backoff = new Backoff(firstRetryMs, longestRetryMs);
    for (;;) {
      const head = this.segments.waiting[0];
      if (head === undefined || this.stopping.signal.aborted) return;
      try {
        await this.seal(head);
        backoff.succeeded();
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        this.failuresTotal++;
        const fields = { segment: head.segmentId, error: String(error) };
        if (isStorageError(error) && !error.retryable) {
          this.logger.error(fields, 'segment cannot be sealed');
          this.stopping.abort();
          return;
        }
        const retryMs = backoff.failed();
        this.logger.warn({ ...fields, retryMs }, 'segment not sealed, trying again');
        await pause(retryMs, this.stopping.signal);
      }
    }
  }

  private async seal(head: Head): Promise<void> {
    const startedMs = performance.now();
    const { journal, blocks } = this.storage;
    const writer = blocks.create(segmentBlockKind);
    try {
      const descriptor = await writeSegment(head, writer, this.stopping.signal);
      await journal.committed(journal.lastGroup);
      const info = await blocks.publish(writer, {
        descriptor: encodeDescriptor(descriptor),
        sealsLanes: [head.segmentId],
      });
      this.segments.replaceHead(head, new SegmentReader(info, blocks));
      this.sealedTotal++;
      this.onSealed();
      const { segmentId, recordCount, keyCount, valueBytes } = descriptor;
      const tookMs = Math.round(performance.now() - startedMs);
      this.logger.info({ segment: segmentId, recordCount, keyCount, valueBytes, tookMs }, 'segment sealed');
    } catch (error) {
      writer.abort();
      throw error;
    } finally {
      for (const resolve of this.waiters.splice(0)) resolve();
    }
  }
}
