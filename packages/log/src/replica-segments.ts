import type { JournalEntry, ReadOnlyStorage, ReplicaState, StorageChange } from '@opendata/storage';
import { LogError } from './errors.ts';
import { Head, type KeyWatcher } from './head/head.ts';
import { EntryReader } from './journal-entry.ts';
import { readExpired } from './recovery.ts';
import { segmentBlockKind } from './sealer.ts';
import { SegmentReader } from './segment/segment-reader.ts';
import { WorkPacer } from './yielding.ts';

/** The segments of a log that another process writes. */
export interface FollowedSegments {
  readonly sealed: readonly SegmentReader[];
  /** What is not sealed yet, in order; the last one goes on. */
  readonly heads: readonly Head[];
  /** What counts where there is no head. */
  readonly nextSequence: number;
  readonly nextId: number;
}

/** Where the segments of a {@link ReplicaState} go once it is shown, and whenever their list changes afterwards. */
export interface SegmentsTarget {
  readonly watcher: KeyWatcher;
  /** Reads go to these segments from now on. */
  take(segments: FollowedSegments): void;
}

/**
 * Follows the segments of a log: entries of the journal go into heads, and heads give way to blocks. An entry of a
 * segment that goes on where it ended can be read at once; a new list of segments is taken as a whole, and only if it is
 * without a gap.
 */
export class ReplicaSegments implements ReplicaState {
  private readonly storage: ReadOnlyStorage;
  private readonly target: SegmentsTarget;
  private readonly entry = new EntryReader();
  private readonly blocks = new Map<number, SegmentReader>();
  private heads: Head[] = [];
  /** Segments of which entries are missing: their blocks must come, or else something is wrong. */
  private readonly incomplete = new Set<number>();
  private current: FollowedSegments = { sealed: [], heads: [], nextSequence: 0, nextId: 1 };
  private isShown = false;
  private isListChanged = true;

  private constructor(storage: ReadOnlyStorage, target: SegmentsTarget) {
    this.storage = storage;
    this.target = target;
  }

  /** Reads what there is. @throws LogError corrupt, StorageError */
  static async load(storage: ReadOnlyStorage, target: SegmentsTarget): Promise<ReplicaSegments> {
    const segments = new ReplicaSegments(storage, target);
    const pacer = new WorkPacer();
    for await (const entry of storage.recover()) {
      segments.add(entry);
      if (pacer.isDue()) await pacer.pause();
    }
    return segments;
  }

  async apply(change: StorageChange): Promise<void> {
    const pacer = new WorkPacer();
    for (const entry of change.entries) {
      this.add(entry);
      if (pacer.isDue()) await pacer.pause();
    }
    if (!change.isComplete) return;
    const { lanesSealed, blocksAdded, blocksRemoved } = change;
    if (lanesSealed.length + blocksAdded.length + blocksRemoved.length > 0) this.isListChanged = true;
    if (!this.isListChanged) return;
    this.forget(lanesSealed);
    this.current = await this.listed();
    this.isListChanged = false;
    if (this.isShown) this.target.take(this.current);
  }

  show(): void {
    this.isShown = true;
    this.target.take(this.current);
  }

  private add({ lane, entry }: JournalEntry): void {
    if (this.incomplete.has(lane)) return;
    this.entry.open(entry, 0, entry.length);
    const { firstSequence } = this.entry;
    let head = this.heads.at(-1);
    if (head === undefined || head.segmentId < lane) {
      head = new Head(lane, firstSequence, this.target.watcher);
      this.heads.push(head);
      this.isListChanged = true;
    }
    if (head.segmentId !== lane || head.endSequence !== firstSequence) {
      this.incomplete.add(lane);
      this.isListChanged = true;
      return;
    }
    head.commit(head.stageEntry(entry));
  }

  private forget(lanes: readonly number[]): void {
    const gone = new Set(lanes);
    this.heads = this.heads.filter(({ segmentId }) => !gone.has(segmentId));
    for (const lane of lanes) this.incomplete.delete(lane);
  }

  /** @throws LogError corrupt where there is a gap: what explains it was not seen */
  private async listed(): Promise<FollowedSegments> {
    const infos = this.storage.blocks.list().filter(({ kind }) => kind === segmentBlockKind);
    const ids = new Set(infos.map(({ id }) => id));
    for (const id of this.blocks.keys()) if (!ids.has(id)) this.blocks.delete(id);
    for (const info of infos) {
      if (!this.blocks.has(info.id)) this.blocks.set(info.id, new SegmentReader(info, this.storage.blocks));
    }
    const sealed = [...this.blocks.values()].sort((a, b) => a.startSequence - b.startSequence);
    const last = sealed.at(-1);
    if (last !== undefined) this.heads = this.heads.filter(({ segmentId }) => segmentId > last.id);
    const broken = this.heads.find(({ segmentId }) => this.incomplete.has(segmentId));
    if (broken !== undefined) throw new LogError('corrupt', `entries of segment ${broken.segmentId} were missed`);
    this.incomplete.clear();
    checkContiguous([...sealed, ...this.heads]);
    const expired = last === undefined && this.heads.length === 0 ? await readExpired(this.storage) : undefined;
    return {
      sealed,
      heads: this.heads.slice(),
      nextSequence: last?.endSequence ?? expired?.endSequence ?? 0,
      nextId: (last?.id ?? expired?.segmentId ?? 0) + 1,
    };
  }
}

function checkContiguous(segments: readonly (SegmentReader | Head)[]): void {
  for (let i = 1; i < segments.length; i++) {
    const { id, startSequence } = segments[i]!;
    const { endSequence } = segments[i - 1]!;
    if (startSequence === endSequence) continue;
    throw new LogError('corrupt', `segment ${id} starts at ${startSequence}, not at ${endSequence}`);
  }
}
