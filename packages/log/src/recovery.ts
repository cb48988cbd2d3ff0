import type { Storage } from '@opendata/storage';
import { LogError } from './errors.ts';
import { Head, type KeyWatcher } from './head/head.ts';
import { segmentBlockKind } from './sealer.ts';
import { SegmentReader } from './segment/segment-reader.ts';
import { SegmentSet } from './segment-set.ts';

/**
 * Brings the log back as it was: sealed segments from their descriptors, the others from the journal.
 * @throws LogError corrupt when the sequence has a gap
 */
export async function recoverSegments(storage: Storage, watcher: KeyWatcher): Promise<SegmentSet> {
  const sealed = storage.blocks
    .list()
    .filter((info) => info.kind === segmentBlockKind)
    .map((info) => new SegmentReader(info, storage.blocks))
    .sort((a, b) => a.startSequence - b.startSequence);
  checkOrder(sealed);
  const lastSealed = sealed.at(-1);
  let nextSequence = lastSealed?.endSequence ?? 0;
  let nextId = lastSealed === undefined ? 1 : lastSealed.id + 1;
  const heads: Head[] = [];
  for await (const { lane, entry } of storage.journal.recover()) {
    let head = heads.at(-1);
    if (head === undefined || head.segmentId !== lane) {
      if (lane < nextId) throw new LogError('corrupt', `journal has segment ${lane} where ${nextId} is next`);
      head = new Head(lane, nextSequence, watcher);
      heads.push(head);
      nextId = lane + 1;
    }
    head.commit(head.stageEntry(entry));
    nextSequence = head.endSequence;
  }
  return new SegmentSet(watcher, sealed, heads, nextSequence, nextId);
}

function checkOrder(sealed: readonly SegmentReader[]): void {
  for (let i = 1; i < sealed.length; i++) {
    const before = sealed[i - 1]!;
    const segment = sealed[i]!;
    if (segment.startSequence !== before.endSequence || segment.id <= before.id) {
      throw new LogError(
        'corrupt',
        `segment ${segment.id} starts at ${segment.startSequence}, not ${before.endSequence}`,
      );
    }
  }
}
