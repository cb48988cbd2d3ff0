import type { Journal } from '@opendata/storage';
import type { CommitGate } from './commit-gate.ts';
import type { Sealer } from './sealer.ts';
import type { SegmentSet } from './segment-set.ts';
import type { Appended } from './writer.ts';

/** Share of the journal's budget from which on acknowledgements wait for their commit. */
const journalShare = 0.25;
/** Share of the heads' budget from which on acknowledgements wait for a seal. */
const headShare = 0.7;

/** Longest time to wait for a seal, ms. */
const sealWaitMs = 5000;

/**
 * Slows writers down before they have to be refused: acknowledgements are held back while the storage is behind, so
 * that clients with a bounded number of requests in flight meet its speed.
 */
export class Backpressure {
  private readonly journal: Journal;
  private readonly segments: SegmentSet;
  private readonly sealer: Sealer;
  private readonly gate: CommitGate;
  private readonly headLimitBytes: number;

  constructor(journal: Journal, segments: SegmentSet, sealer: Sealer, gate: CommitGate, headBudgetBytes: number) {
    this.journal = journal;
    this.segments = segments;
    this.sealer = sealer;
    this.gate = gate;
    this.headLimitBytes = headBudgetBytes * headShare;
  }

  /** What to wait for before `appended`, the last append, is acknowledged; undefined: nothing. Rejects as its commit does. */
  waitFor(appended: Appended, awaitDurable: boolean): Promise<void> | undefined {
    const { journal, segments, sealer, gate } = this;
    if (segments.heads.length > 1 && segments.headBytes > this.headLimitBytes) {
      return Promise.all([gate.wait(appended), sealer.nextSealed(sealWaitMs)]).then(() => undefined);
    }
    const isBehind = journal.pendingBytes > journal.budgetBytes * journalShare;
    return awaitDurable || isBehind ? gate.wait(appended) : undefined;
  }
}
