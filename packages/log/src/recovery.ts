import type { ReadOnlyStorage, Storage } from '@opendata/storage';
import { LogError } from './errors.ts';
import { decodeExpired, type Expired, expiredRowName } from './expired-row.ts';
import { Head, type KeyWatcher } from './head/head.ts';
import { segmentBlockKind } from './sealer.ts';
import { SegmentReader } from './segment/segment-reader.ts';
import { SegmentSet } from './segment-set.ts';

/**
 * Brings the log back as it was: sealed segments from their descriptors, the others from the journal.
 * @throws LogError corrupt when the sequence has a gap
 */
export async function recoverSegments(storage: Storage, watcher: KeyWatcher): Promise<SegmentSet> {
  const expired = await readExpired(storage);
  const stored = storage.blocks
    .list()
    .filter((info) => info.kind === segmentBlockKind)
    .map((info) => new SegmentReader(info, storage.blocks))
    .sort((a, b) => a.startSequence - b.startSequence);
  checkOrder(stored);
  const sealed = stored.filter(({ endSequence }) => endSequence > expired.endSequence);
  const leftovers = stored.slice(0, stored.length - sealed.length);
  await storage.blocks.remove(leftovers.map(({ blockId }) => blockId));
  const firstSequence = sealed[0]?.startSequence ?? expired.endSequence;
  // It begins before where a segment that was to expire was merged into another first: its removal was put off.
  if (firstSequence > expired.endSequence) {
    throw new LogError('corrupt', `the log begins at ${firstSequence}, not at ${expired.endSequence}`);
  }
  const lastSealed = sealed.at(-1);
  let nextSequence = lastSealed?.endSequence ?? expired.endSequence;
  let nextId = (lastSealed?.id ?? expired.segmentId) + 1;
  const heads: Head[] = [];
  for await (const { lane, entry } of storage.journal.recover()) {
    let head = heads.at(-1);
    if (head === undefined || head.segmentId !== lane) {
      if (lane < nextId) throw new LogError('corrupt', `journal has segment ${lane} where ${nextId} is next`);
      head = new Head(lane, nextSequence, watcher, 0, head);
      heads.push(head);
      nextId = lane + 1;
    }
    head.commit(head.stageEntry(entry));
    nextSequence = head.endSequence;
  }
  return new SegmentSet(watcher, sealed, heads, nextSequence, nextId);
}

/** Up to where the log has expired. @throws StorageError */
export async function readExpired(storage: Pick<ReadOnlyStorage, 'meta'>): Promise<Expired> {
  const row = await storage.meta.get(expiredRowName);
  return row === undefined ? { endSequence: 0, segmentId: 0 } : decodeExpired(row);
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
