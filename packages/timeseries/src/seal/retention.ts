import type { BlockStore, Logger } from '@opendata/storage';
import type { Block } from '../block/block.ts';
import type { BlockSet } from '../block/block-set.ts';
import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';

export interface RetentionOptions {
  /** How long samples are kept, in ms; `undefined`: for ever. */
  readonly retentionMs: number | undefined;
  /** Most bytes of blocks; `undefined`: no limit. */
  readonly retentionBytes: number | undefined;
}

const EXPIRED_KIND = 'expired';

export interface RetentionTarget {
  readonly head: Head;
  readonly blocks: BlockSet;
  readonly storage: { readonly blocks: BlockStore };
  readonly logger: Logger;
  readonly nowMs: number;
}

/** Removes windows and blocks that are past the retention as a whole, then the oldest blocks until the rest fits. */
export async function retain(target: RetentionTarget, options: RetentionOptions): Promise<void> {
  const { head, blocks, storage, logger, nowMs } = target;
  const { retentionMs, retentionBytes } = options;
  const oldestMs = retentionMs === undefined ? Number.NEGATIVE_INFINITY : nowMs - retentionMs;
  await dropWindows(head, storage.blocks, head.windowsBefore(oldestMs));
  const removed = blocksToRemove(blocks.list(), oldestMs, retentionBytes ?? Number.POSITIVE_INFINITY);
  if (removed.length === 0) return;
  await storage.blocks.remove(removed.map(({ id }) => id));
  blocks.remove(removed);
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  logger.info({ blocks: removed.length, bytes }, 'blocks past the retention removed');
}

/** Blocks whose samples are all older than `oldestMs`, and the oldest of the others until they are within the bytes. */
function blocksToRemove(blocks: readonly Block[], oldestMs: number, mostBytes: number): Block[] {
  const byAge = [...blocks].sort((a, b) => a.descriptor.maxMs - b.descriptor.maxMs);
  let left = blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const removed: Block[] = [];
  for (const block of byAge) {
    if (block.descriptor.maxMs >= oldestMs && left <= mostBytes) break;
    removed.push(block);
    left -= block.sizeBytes;
  }
  return removed;
}

/** Removes what a crash left of windows that were dropped. */
export async function removeExpiredMarks(blocks: BlockStore): Promise<void> {
  const left = blocks.list().filter(({ kind }) => kind === EXPIRED_KIND);
  if (left.length > 0) await blocks.remove(left.map(({ id }) => id));
}

/**
 * Drops whole windows, from memory and from the journal. The journal gives up lanes together with the publication of
 * a block that covers them; nothing is to be covered, so the block is empty and goes at once.
 */
export async function dropWindows(head: Head, blocks: BlockStore, windows: readonly WindowHead[]): Promise<void> {
  if (windows.length === 0) return;
  for (const window of windows) head.drop(window);
  const block = await blocks.publish(blocks.create(EXPIRED_KIND), {
    descriptor: new Uint8Array(0),
    sealsLanes: windows.map((window) => window.lane),
  });
  await blocks.remove([block.id]);
}
