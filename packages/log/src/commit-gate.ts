import type { Journal } from '@opendata/storage';
import type { Appended } from './writer.ts';

/** So many waiters answered at once are taken for clients that will soon be back with their next append. */
const crowd = 8;
/** How long a commit waits for them, ms. */
const gatherMs = 2;
/** What costs more by its bytes than by the commit does not wait for others; bytes. */
const largeBytes = 16 * 1024;

interface Batch {
  waiters: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks the journal for commits on behalf of everybody who waits for durability: one at a time, and one promise for all
 * that wait for the same one. A commit costs the same for one record as for a hundred, so after a commit that answered
 * many, the next one waits until as many are there again, or for 2 ms. Otherwise clients that append in a loop would fall
 * into two groups that wait for each other's commits.
 */
export class CommitGate {
  private readonly journal: Journal;
  /** Those who wait for a commit that was not asked for yet. */
  private batch: Batch | undefined;
  private committing: Batch | undefined;
  /** The last group that the commit asked for covers. */
  private committingGroup = 0;
  private expected = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** Resolves when the last append is durable. Rejects with a StorageError. */
  wait({ group, sizeBytes }: Pick<Appended, 'group' | 'sizeBytes'>): Promise<void> {
    if (sizeBytes >= largeBytes) return this.journal.committed(group);
    // The journal still adds to a group that is asked for until it starts to write it.
    if (this.committing !== undefined && group <= this.committingGroup) {
      this.committing.waiters++;
      return this.committing.promise;
    }
    const batch = (this.batch ??= newBatch());
    batch.waiters++;
    if (this.committing === undefined && batch.waiters >= this.expected) this.commit(batch);
    return batch.promise;
  }

  private commit(batch: Batch): void {
    clearTimeout(this.timer);
    this.batch = undefined;
    this.committing = batch;
    this.committingGroup = this.journal.lastGroup;
    this.journal.committed(this.committingGroup).then(
      () => {
        this.settled(batch.waiters);
        batch.resolve();
      },
      (error: unknown) => {
        this.settled(0);
        batch.reject(error);
      },
    );
  }

  private settled(answered: number): void {
    this.committing = undefined;
    const waiting = this.batch?.waiters ?? 0;
    this.expected = answered < crowd ? 0 : answered + waiting;
    if (this.expected > 0) this.timer = setTimeout(() => this.endGathering(), gatherMs);
    else if (this.batch !== undefined) this.commit(this.batch);
  }

  private endGathering(): void {
    this.expected = 0;
    if (this.batch !== undefined && this.committing === undefined) this.commit(this.batch);
  }
}

function newBatch(): Batch {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { waiters: 0, promise, resolve, reject };
}
