import type { ServerResponse } from 'node:http';
import { maxPageBytes } from '../reader.ts';

/** However much is on its way, a page may have this, and answers up to this size do not count. */
const leastPageBytes = 64 * 1024;
/** A page takes at most this share of the room that is left. */
const pageShare = 1 / 4;
/** Pages of those who wait for records all come at once: they are smaller. */
const longestFollowed = 1024 * 1024;

/**
 * What pages take in memory while they are read, and then until their clients have taken them, with a bound: the less
 * room there is, the smaller are the pages. Nobody is refused, as every page says where to go on.
 */
export class AnswerMemory {
  private readonly limitBytes: number;
  private usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Most bytes of the next page. */
  get pageBytes(): number {
    const free = Math.floor((this.limitBytes - this.usedBytes) * pageShare);
    return Math.min(maxPageBytes, Math.max(leastPageBytes, free));
  }

  /** Most bytes of the page of one who waits for it. */
  get followedBytes(): number {
    return Math.min(longestFollowed, this.pageBytes);
  }

  /** Reads a page that has room. */
  async read<Page>(read: (maxBytes: number) => Promise<Page>): Promise<Page> {
    const bytes = this.pageBytes;
    this.usedBytes += bytes;
    try {
      return await read(bytes);
    } finally {
      this.usedBytes -= bytes;
    }
  }

  /** An answer of so many bytes is on its way. */
  hold(response: ServerResponse, bytes: number): void {
    if (bytes <= leastPageBytes || response.destroyed) return;
    this.usedBytes += bytes;
    response.once('close', () => {
      this.usedBytes -= bytes;
    });
  }
}
