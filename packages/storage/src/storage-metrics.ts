import type { WritableBlocks } from './blocks.ts';
import type { CommitLoop, CommitStats } from './commit-loop.ts';
import type { EngineReader } from './engine.ts';
import type { WritableJournal } from './journal.ts';
import { bridgeMetrics, counterFamily, gaugeFamily, type MetricFamily, SecondsHistogram } from './metrics.ts';
import type { StorageHealth } from './storage.ts';
import type { Sweeper } from './sweeper.ts';

export interface MetricSources {
  readonly engine: EngineReader;
  readonly loop: CommitLoop;
  readonly journal: WritableJournal;
  readonly blocks: WritableBlocks;
  readonly sweeper: Sweeper;
  readonly health: StorageHealth;
}

/** Our own counters, and everything that can be read off the parts at scrape time. */
export class StorageMetrics {
  readonly #duration = new SecondsHistogram();
  #rows = 0;
  #bytes = 0;

  committed({ durationMs, rows, sizeBytes }: CommitStats): void {
    this.#duration.observe(durationMs / 1000);
    this.#rows += rows;
    this.#bytes += sizeBytes;
  }

  families({ engine, loop, journal, blocks, sweeper, health }: MetricSources): MetricFamily[] {
    const listed = blocks.list();
    const cache = blocks.cacheStats;
    let blockBytes = 0;
    for (const { sizeBytes } of listed) blockBytes += sizeBytes;
    return [
      ...bridgeMetrics(engine.metrics()),
      gaugeFamily('storage_block_bytes', 'Bytes of the pages of all blocks.', blockBytes),
      gaugeFamily('storage_blocks', 'Published blocks.', listed.length),
      counterFamily('storage_commit_bytes_total', 'Bytes of committed rows, keys included.', this.#bytes),
      this.#duration.family('storage_commit_duration_seconds', 'Time from the start of a write until it is durable.'),
      counterFamily('storage_commit_rows_total', 'Committed rows.', this.#rows),
      gaugeFamily('storage_journal_budget_bytes', 'Bytes of entries that may be pending.', journal.budgetBytes),
      gaugeFamily('storage_journal_durable_group', 'The last durable commit group.', journal.durableGroup),
      gaugeFamily('storage_journal_last_group', 'The last commit group that was started.', journal.lastGroup),
      counterFamily('storage_journal_overloaded_total', 'Appends refused because of the budget.', journal.refused),
      gaugeFamily('storage_journal_pending_bytes', 'Bytes of entries that are not durable yet.', journal.pendingBytes),
      gaugeFamily(
        'storage_oldest_pending_commit_age_seconds',
        'Age of the oldest commit that is not durable yet.',
        health.oldestPendingCommitAgeMs / 1000,
      ),
      gaugeFamily('storage_page_cache_bytes', 'Bytes in the cache of pages.', cache.bytes),
      counterFamily('storage_page_cache_hits_total', 'Pages found in the cache.', cache.hits),
      counterFamily('storage_page_cache_misses_total', 'Pages read from the store.', cache.misses),
      gaugeFamily('storage_pending_block_bytes', 'Bytes of pages and deletions that wait.', loop.pendingBytes),
      gaugeFamily('storage_sweep_pending', 'Removed blocks and sealed lanes that wait for deletion.', sweeper.pending),
      counterFamily('storage_swept_rows_total', 'Rows deleted as garbage.', sweeper.stats.rows),
      gaugeFamily('storage_up', '1 while the storage works.', health.state === 'ok' ? 1 : 0),
    ];
  }
}
