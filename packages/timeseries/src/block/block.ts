import { BlockIndex } from './block-index.ts';
import type { DecodedPages } from './decoded-pages.ts';
import { type BlockDescriptor, decodeDescriptor } from './index/descriptor.ts';
import { readExemplarPage, type StoredExemplar } from './index/exemplar-page.ts';

/** What the block store says of a block. */
export interface BlockRow {
  readonly id: number;
  readonly descriptor: Uint8Array;
  readonly sizeBytes: number;
}

/** A sealed block of samples. */
export class Block {
  readonly id: number;
  readonly sizeBytes: number;
  readonly descriptor: BlockDescriptor;
  readonly index: BlockIndex;
  readonly pages: DecodedPages;

  /** @throws PageFormatError where the descriptor is damaged or of a newer version */
  constructor({ id, descriptor, sizeBytes }: BlockRow, pages: DecodedPages) {
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.descriptor = decodeDescriptor(descriptor);
    this.pages = pages;
    this.index = new BlockIndex(id, this.descriptor, pages);
  }

  /** Whether the block has samples in `[startMs, endMs]`, as far as its bounds say. */
  overlaps(startMs: number, endMs: number): boolean {
    return this.descriptor.minMs <= endMs && this.descriptor.maxMs >= startMs && this.descriptor.sampleCount > 0;
  }

  /** Whether all of the block's samples are in `[startMs, endMs]`. */
  isWithin(startMs: number, endMs: number): boolean {
    return this.descriptor.minMs >= startMs && this.descriptor.maxMs <= endMs;
  }

  /** The exemplars of the block, by series. */
  async exemplars(): Promise<StoredExemplar[]> {
    const found: StoredExemplar[] = [];
    for await (const page of this.pages.each(this.id, this.descriptor.exemplarPages, readExemplarPage)) {
      found.push(...page);
    }
    return found;
  }
}
