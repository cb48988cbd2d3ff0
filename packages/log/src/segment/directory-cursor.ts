import type { SegmentDescriptor } from './descriptor.ts';
import type { DirectoryPage } from './directory-page.ts';
import type { SegmentPages } from './segment-pages.ts';

/** Entries looked at one after the other before the rest is searched. */
const nearby = 4;

/** Finds the keys of records by their places in the data pages, which are asked for in rising order. */
export class DirectoryCursor {
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  private index = -1;
  private page: DirectoryPage | undefined;
  /** The key found last, the entry behind it, and where that begins. */
  private key: Uint8Array = new Uint8Array(0);
  private next = 0;
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
      this.next = 0;
      return this.find(page, offset);
    });
  }

  /** The last entry at or before the place: often one of the next few behind the entry found before. */
  private find(page: number, offset: number): Uint8Array {
    const directory = this.page!;
    const { count } = directory;
    let low = this.next;
    for (let steps = 0; steps < nearby && low < count && directory.startsBy(low, page, offset); steps++) low++;
    if (low - this.next === nearby) {
      let high = count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (directory.startsBy(middle, page, offset)) low = middle + 1;
        else high = middle;
      }
    }
    this.next = low;
    this.key = directory.keyAt(Math.max(0, low - 1));
    if (low < count) {
      const run = directory.runAt(low);
      this.nextPage = run.page;
      this.nextOffset = run.offset;
    } else this.nextPage = -1;
    return this.key;
  }
}
