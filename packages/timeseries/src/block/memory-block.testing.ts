import type { BlockReads, BlockWriter } from '@opendata/storage';
import type { Exemplar } from '../head/exemplars.ts';
import { ExemplarRing } from '../head/exemplars.ts';
import { Head } from '../head/head.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import { headSource } from '../seal/head-source.ts';
import { Block } from './block.ts';
import { DecodedPages } from './decoded-pages.ts';
import { encodeDescriptor } from './index/descriptor.ts';
import type { BlockSource } from './sources.ts';
import { writeBlock } from './write-block.ts';

export interface TestSeries {
  readonly labels: readonly string[];
  readonly samples: readonly (readonly [timestampMs: number, value: number])[];
  readonly exemplar?: Exemplar;
}

const yielder = async (): Promise<void> => undefined;

/** A head of one window with these series, as a source of blocks. */
export function sourceOf(series: readonly TestSeries[], startMs: number, durationMs: number): Promise<BlockSource> {
  const head = new Head(durationMs);
  const window = head.openWindow(startMs);
  const ring = new ExemplarRing(1000);
  for (const { labels, samples, exemplar } of series) {
    const id = head.series.resolveOne(encodeLabels(labels));
    const slot = window.addSlot(id);
    for (const [timestampMs, value] of samples) {
      window.append(Uint32Array.of(slot), Int32Array.of(timestampMs - startMs), Float64Array.of(value), 1);
    }
    if (exemplar !== undefined) ring.add(id, exemplar, window.lane);
  }
  return headSource(head, [window], ring, yielder);
}

export interface MemoryBlock {
  readonly block: Block;
  /** The pages, which may be changed before they are read. */
  readonly pages: Uint8Array[];
  readonly descriptor: Uint8Array;
}

/** Writes a block to memory. */
export async function memoryBlock(
  sources: readonly BlockSource[],
  startMs: number,
  endMs: number,
  rank = 1,
): Promise<MemoryBlock> {
  const pages: Uint8Array[] = [];
  const writer = {
    writePage: async (page: Uint8Array) => pages.push(page.slice()) - 1,
  } as unknown as BlockWriter;
  const descriptor = encodeDescriptor(await writeBlock(writer, sources, { startMs, endMs, rank, yielder }));
  return { block: openMemoryBlock(pages, descriptor), pages, descriptor };
}

export function openMemoryBlock(pages: readonly Uint8Array[], descriptor: Uint8Array): Block {
  const reads: BlockReads = {
    list: () => [],
    readPages: async (_block, first, count) => pages.slice(first, first + count),
  };
  const sizeBytes = pages.reduce((sum, page) => sum + page.length, 0);
  return new Block({ id: 1, descriptor, sizeBytes }, new DecodedPages(reads, 1 << 20));
}
