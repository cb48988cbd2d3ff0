import type { DirectoryPage } from './directory-page.ts';

/** The pages of a segment. */
export interface SegmentPages {
  read(first: number, count: number, signal?: AbortSignal): Promise<Uint8Array[]>;
  /** The last directory page that starts at or before `key`, or the first. */
  directoryIndex(key: Uint8Array): number;
  directoryPage(index: number): Promise<DirectoryPage>;
}
