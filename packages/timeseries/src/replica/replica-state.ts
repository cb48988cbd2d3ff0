import type { JournalEntry, Logger, ReadOnlyStorage, ReplicaState, StorageChange } from '@opendata/storage';
import { BlockSet } from '../block/block-set.ts';
import { BLOCK_KIND } from '../block/index/block-format.ts';
import { ExemplarRing } from '../head/exemplars.ts';
import { Head } from '../head/head.ts';
import { createYielder } from '../head/yielder.ts';
import { createEntryReplay, type EntryReplay } from '../ingest/recover.ts';
import { recoverExemplars } from '../ingest/recover-exemplars.ts';
import { JournalEntryError } from '../journal-entries/format.ts';
import { loadMetadata } from '../metadata-store.ts';
import type { MetadataTable } from '../metadata-table.ts';
import { DECODED_PAGES_BYTES, DEFAULT_WINDOW_MS, MAX_EXEMPLARS } from '../model/defaults.ts';
import type { ReadSources } from '../read/time-series-reads.ts';

export interface ReplicaTarget {
  readonly metadata: MetadataTable;
  readonly logger: Logger;
  /** Reads look here from now on. */
  show(sources: ReadSources): void;
}

/** How often metadata is looked at, in ms; the writer saves it every 5 s. */
const METADATA_INTERVAL_MS = 5000;
/** How often series without samples in memory are looked for, and after how many times they are forgotten. */
const FORGET_INTERVAL_MS = 60_000;
const FORGET_ROUNDS = 10;
const ACTIVE_MS = 600_000;

/**
 * Head and blocks of a database that another process writes. Entries of the journal go into the head; in the step in
 * which a block appears, the windows that it covers are dropped from the head.
 */
export class FollowedState implements ReplicaState {
  readonly #storage: ReadOnlyStorage;
  readonly #target: ReplicaTarget;
  readonly #head = new Head(DEFAULT_WINDOW_MS);
  readonly #exemplars = new ExemplarRing(MAX_EXEMPLARS);
  readonly #blocks: BlockSet;
  readonly #replay: EntryReplay;
  /** Lanes of which entries were missed: they must turn out to be sealed, or else something is wrong. */
  readonly #incomplete = new Set<number>();
  #metadataRow: Uint8Array | undefined;
  #metadataAtMs = Number.NEGATIVE_INFINITY;
  #forgetAtMs = performance.now();

  private constructor(storage: ReadOnlyStorage, target: ReplicaTarget) {
    this.#storage = storage;
    this.#target = target;
    this.#blocks = new BlockSet(storage.blocks, DECODED_PAGES_BYTES);
    this.#head.forgetting.addHolder(this.#exemplars.holdSeries);
    this.#replay = createEntryReplay(this.#head, this.#exemplars);
  }

  /** Reads what there is. @throws StorageError, PageFormatError */
  static async load(storage: ReadOnlyStorage, target: ReplicaTarget): Promise<FollowedState> {
    const state = new FollowedState(storage, target);
    await recoverExemplars(state.#head, state.#blocks.list(), state.#exemplars, MAX_EXEMPLARS);
    await state.#add(storage.recover());
    return state;
  }

  async apply(change: StorageChange): Promise<void> {
    await this.#add(change.entries);
    if (!change.isComplete) return;
    this.#moveToBlocks(change);
    this.#forgetSeries();
    if (performance.now() - this.#metadataAtMs < METADATA_INTERVAL_MS) return;
    this.#metadataAtMs = performance.now();
    const { metadata, logger } = this.#target;
    this.#metadataRow = await loadMetadata(this.#storage.meta, metadata, logger, this.#metadataRow);
  }

  show(): void {
    this.#target.show({ head: this.#head, blocks: this.#blocks, exemplars: this.#exemplars });
  }

  async #add(entries: Iterable<JournalEntry> | AsyncIterable<JournalEntry>): Promise<void> {
    const yielder = createYielder();
    let group = 0;
    for await (const entry of entries) {
      // What was committed together is seen together.
      if (entry.group !== group) await yielder();
      group = entry.group;
      this.#addEntry(entry);
    }
  }

  #addEntry({ lane, entry }: JournalEntry): void {
    if (this.#incomplete.has(lane)) return;
    try {
      this.#replay.replay(lane, entry);
    } catch (error) {
      if (!(error instanceof JournalEntryError)) throw error;
      this.#incomplete.add(lane);
    }
  }

  /** A round now and then; it is not waited for, as it waits for reads. */
  #forgetSeries(): void {
    if (performance.now() - this.#forgetAtMs < FORGET_INTERVAL_MS) return;
    this.#forgetAtMs = performance.now();
    this.#head.forgetting.round(FORGET_ROUNDS, Date.now() - ACTIVE_MS).catch((error: unknown) => {
      this.#target.logger.error({ err: error }, 'series could not be forgotten');
    });
  }

  /** One turn of the event loop: no read sees a sample twice, or not at all. */
  #moveToBlocks({ lanesSealed, blocksAdded, blocksRemoved }: StorageChange): void {
    for (const lane of lanesSealed) {
      const window = this.#head.window(lane);
      if (window !== undefined) this.#head.drop(window);
      this.#incomplete.delete(lane);
    }
    const [missed] = this.#incomplete;
    if (missed !== undefined) throw new JournalEntryError(`entries of journal lane ${missed} were missed`);
    const removed = new Set(blocksRemoved);
    const gone = this.#blocks.list().filter(({ id }) => removed.has(id));
    if (gone.length > 0) this.#blocks.remove(gone);
    for (const info of blocksAdded) if (info.kind === BLOCK_KIND) this.#blocks.replace([], info);
  }
}
