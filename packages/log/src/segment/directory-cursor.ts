import type { SegmentDescriptor } from './descriptor.ts';
import type { DirectoryPage } from './directory-page.ts';
import type { SegmentPages } from './ordered-segment.ts';

/** Finds the keys of records by their places in the data pages, which are asked for in rising order. */
export class DirectoryCursor {
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  private index = -1;
  private page: DirectoryPage | undefined;
  /** The entry found last, and where the next one begins. */
  private key: Uint8Array = new Uint8Array(0);
  private nextPage = -1;
  private nextOffset = 0;

  constructor(descriptor: SegmentDescriptor, pages: SegmentPages) {
    this.descriptor = descriptor;
    this.pages = pages;
  }

  /** The key of the record at byte `offset` of page `page`, which is at `position`. @throws LogError corrupt */
  keyAt(page: number, offset: number, position: number): Uint8Array | Promise<Uint8Array> {
    if (page < this.nextPage || (page === this.nextPage && offset < this.nextOffset)) return this.key;
    const { directory } = this.descriptor;
    let low = Math.max(0, this.index);
    let high = directory.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (directory[middle]!.firstPosition <= position) low = middle + 1;
      else high = middle;
    }
    const index = Math.max(0, low - 1);
    if (index === this.index) return this.find(page, offset);
    return this.pages.directoryPage(index).then((loaded) => {
      this.index = index;
      this.page = loaded;
      return this.find(page, offset);
    });
  }

  /** The last entry at or before the place. */
  private find(page: number, offset: number): Uint8Array {
    const directory = this.page!;
    let low = 0;
    let high = directory.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = directory.runAt(middle);
      if (run.page < page || (run.page === page && run.offset <= offset)) low = middle + 1;
      else high = middle;
    }
    this.key = directory.keyAt(Math.max(0, low - 1));
    if (low < directory.count) {
      const next = directory.runAt(low);
      this.nextPage = next.page;
      this.nextOffset = next.offset;
    } else this.nextPage = -1;
    return this.key;
  }
}
