import type { BlockInfo, BlockReads } from '@opendata/storage';
import { Block } from './block.ts';
import { DecodedPages } from './decoded-pages.ts';
import { BLOCK_KIND } from './index/block-format.ts';

/** The blocks that reads and jobs go to. */
export class BlockSet {
  readonly pages: DecodedPages;
  #blocks: readonly Block[] = [];

  /**
   * Takes the blocks that are published.
   * @throws PageFormatError where a descriptor is of a newer version
   */
  constructor(blocks: BlockReads, cacheBytes: number) {
    this.pages = new DecodedPages(blocks, cacheBytes);
    for (const info of blocks.list()) if (info.kind === BLOCK_KIND) this.replace([], info);
  }

  /** Bytes of decoded pages and columns that are kept. */
  get cacheBytes(): number {
    return this.pages.sizeBytes + this.pages.columns.sizeBytes;
  }

  /** By rising rank. */
  list(): readonly Block[] {
    return this.#blocks;
  }

  get sizeBytes(): number {
    return this.#blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** A rank above that of every block. */
  get nextRank(): number {
    return (this.#blocks.at(-1)?.descriptor.rank ?? 0) + 1;
  }

  /** Takes a block that was published, and leaves out those that it replaced. */
  replace(replaced: readonly Block[], info: BlockInfo): Block {
    const block = new Block(info, this.pages);
    this.#set([...this.#blocks, block], replaced);
    return block;
  }

  remove(blocks: readonly Block[]): void {
    this.#set(this.#blocks, blocks);
  }

  #set(blocks: readonly Block[], without: readonly Block[]): void {
    this.#blocks = blocks
      .filter((block) => !without.includes(block))
      .sort((a, b) => a.descriptor.rank - b.descriptor.rank);
    for (const { id } of without) this.pages.forget(id);
  }
}
