import type { Block } from '../block/block.ts';
import type { Exemplar, ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import { createYielder } from '../head/yielder.ts';
import { SeriesIdentities } from '../read/series-identities.ts';

/** Puts the newest exemplars of blocks into their ring, at most `limit`; to be done before the journal is replayed. */
export async function recoverExemplars(
  head: Head,
  blocks: readonly Block[],
  ring: ExemplarRing,
  limit: number,
): Promise<void> {
  const identities = new SeriesIdentities();
  const yielder = createYielder();
  const found: { readonly series: number; readonly exemplar: Exemplar }[] = [];
  for (const block of [...blocks].sort((a, b) => b.descriptor.maxMs - a.descriptor.maxMs)) {
    if (found.length >= limit) break;
    const stored = await block.exemplars();
    const numbers = Uint32Array.from(new Set(stored.map(({ series }) => series))).sort();
    const labels = await identities.ofBlock(block, numbers, yielder);
    const ids = new Map(Array.from(numbers, (number, i) => [number, head.series.resolveOne(encodeLabels(labels[i]!))]));
    for (const { series, exemplar } of stored) found.push({ series: ids.get(series)!, exemplar });
  }
  found.sort((a, b) => a.exemplar.timestampMs - b.exemplar.timestampMs);
  for (const { series, exemplar } of found.slice(-limit)) ring.add(series, exemplar, 0);
}
