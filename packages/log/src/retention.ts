import { isStorageError, type Storage } from '@opendata/storage';
import { encodeExpired, expiredRowName } from './expired-row.ts';
import type { Logger } from './logger.ts';
import type { RetentionLimits } from './retention-limits.ts';
import type { SegmentReader } from './segment/segment-reader.ts';
import type { SegmentSet } from './segment-set.ts';

/**
 * Removes whole sealed segments, the oldest first: those whose last record is older than the retention, and those that
 * the log has too much of by its size. Where the log begins is written down before anything is removed, so that the
 * sequence goes on even when nothing is left.
 */
export class Retention {
  private readonly storage: Storage;
  private readonly segments: SegmentSet;
  private readonly limits: RetentionLimits;
  private readonly now: () => number;
  private readonly logger: Logger;
  private readonly timer: NodeJS.Timeout | undefined;
  private work: Promise<void> | undefined;
  /** Segments removed since the start. */
  expiredTotal = 0;
  failuresTotal = 0;

  constructor(
    storage: Storage,
    segments: SegmentSet,
    limits: RetentionLimits,
    hooks: { readonly now: () => number; readonly logger: Logger },
  ) {
    this.storage = storage;
    this.segments = segments;
    this.limits = limits;
    this.now = hooks.now;
    this.logger = hooks.logger;
    if (limits.retentionMs === undefined && limits.retentionBytes === undefined) return;
    this.timer = setInterval(() => this.checkInBackground(), limits.checkIntervalMs);
    this.timer.unref();
  }

  /** Removes what is due. Rejects with a StorageError; what is not removed then is tried again. */
  check(): Promise<void> {
    this.work ??= this.segments
      .exclusively(() => this.removeDue())
      .finally(() => {
        this.work = undefined;
      });
    return this.work;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.work?.catch(() => undefined);
  }

  private checkInBackground(): void {
    this.check().catch((error: unknown) => {
      this.failuresTotal++;
      const isFinal = isStorageError(error) && !error.retryable;
      if (isFinal) clearInterval(this.timer);
      this.logger.warn({ error: String(error), isFinal }, 'expired segments not removed');
    });
  }

  private async removeDue(): Promise<void> {
    const due = this.due();
    const last = due.at(-1);
    if (last === undefined) return;
    const { meta, blocks } = this.storage;
    await meta.put(expiredRowName, encodeExpired({ endSequence: last.endSequence, segmentId: last.id }));
    await blocks.remove(due.map(({ blockId }) => blockId));
    this.segments.removeSealed(due);
    this.expiredTotal += due.length;
    this.logger.info({ segments: due.length, firstSequence: last.endSequence }, 'segments expired');
  }

  private due(): SegmentReader[] {
    const { retentionMs, retentionBytes } = this.limits;
    const { sealed } = this.segments;
    const oldestMs = retentionMs === undefined ? Number.NEGATIVE_INFINITY : this.now() - retentionMs;
    let excessBytes = 0;
    if (retentionBytes !== undefined) excessBytes = this.segments.sealedBytes - retentionBytes;
    let count = 0;
    for (const segment of sealed) {
      if (segment.endTimeMs > oldestMs && excessBytes <= 0) break;
      excessBytes -= segment.sizeBytes;
      count++;
    }
    return sealed.slice(0, count);
  }
}
