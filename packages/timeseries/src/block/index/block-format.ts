import type { ByteReader } from '../codec/byte-reader.ts';
import { PageFormatError } from '../codec/errors.ts';

/**
 * A sealed block: pages and a descriptor.
 *
 *     dictionary pages   every label pair, sorted; a pair's place is its number
 *     data pages         samples of consecutive series, see data-page.ts; the block's time may be cut into slices,
 *                        each with its own data pages
 *     series pages       the pairs of every series, sorted; a series' place is its number
 *     postings pages     the series of every pair
 *     exemplar pages
 *     descriptor         which page begins with what, see descriptor.ts
 *
 * Pairs are in the order of their names, then of their values, with `le="+Inf"` before all other values of `le`. Series
 * are in the order of their pairs, where `le` counts last: so the buckets of a histogram stand together.
 * Pages of the index are compressed where that saves a tenth, see packed-page.ts. Numbers in pages are varints (see ../codec/byte-writer.ts); strings are their length and their UTF-8 bytes.
 */

/** Kind of the blocks that hold samples, for the block store. */
export const BLOCK_KIND = 'samples';

export const INDEX_PAGE_VERSION = 1;
/** Index pages are closed when they reach this size. */
export const INDEX_PAGE_BYTES = 32 * 1024;

/** The label whose pairs count last in the order of series. */
export const LAST_LABEL = 'le';
const FIRST_OF_LAST_LABEL = '+Inf';

/** Order of the values of a label in a block. */
export function compareValues(name: string, a: string, b: string, compare: (a: string, b: string) => number): number {
  if (name === LAST_LABEL && a !== b) {
    if (a === FIRST_OF_LAST_LABEL) return -1;
    if (b === FIRST_OF_LAST_LABEL) return 1;
  }
  return compare(a, b);
}

/** Reads the version byte of an index page. @throws PageFormatError */
export function checkVersion(input: ByteReader): void {
  const version = input.byte();
  if (version !== INDEX_PAGE_VERSION) throw new PageFormatError(0, `unknown version ${version} of an index page`);
}
