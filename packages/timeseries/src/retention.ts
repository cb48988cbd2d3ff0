import type { BlockStore } from '@opendata/storage';
import type { Head } from './head/head.ts';
import type { WindowHead } from './head/window-head.ts';

/**
 * Drops whole windows, from memory and from the journal. The journal gives up lanes together with the publication of
 * a block that covers them; nothing is to be covered, so the block is empty and goes at once.
 */
export async function dropWindows(head: Head, blocks: BlockStore, windows: readonly WindowHead[]): Promise<void> {
  const live = windows.filter((window) => !window.isDropped);
  if (live.length === 0) return;
  for (const window of live) head.drop(window);
  const block = await blocks.publish(blocks.create('expired'), {
    descriptor: new Uint8Array(0),
    sealsLanes: live.map((window) => window.lane),
  });
  await blocks.remove([block.id]);
}
