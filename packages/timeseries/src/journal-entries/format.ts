/**
 * A journal entry: what one request adds to one window head. All numbers are little-endian.
 *
 *     entry    := version u8, 0 u8, 0 u16, window duration in ms u32, window start in ms f64, { section }
 *     section  := kind u8, 0 u8, 0 u16, payload bytes u32, payload, zeros up to a multiple of 8
 *
 *     definitions   := count u32, first slot u32, { prefix varint, suffix varint, middle varint, middle bytes }
 *     float samples := count u32, slot bytes u32, time bytes u32, value encoding u32,
 *                      slot runs, time runs, zeros up to a multiple of 8, values
 *
 *     histograms    := count u32, { slot varint, offset in ms varint, bytes varint, histogram }
 *     starts        := { samples varint, start as a zigzag distance in ms to the one before, varint }
 *     exemplars     := count u32, { slot varint, time f64, value f64, labels bytes varint, labels }
 *
 * *Definitions* give the next slots of the lane to series: each is a canonical label run (see head/label-bytes.ts),
 * as the bytes that it shares with the one before at its beginning and at its end, and what stands between.
 * *Slot runs* are pairs of varints: zigzag distance from the slot expected next, length of the run of successive
 * slots. *Time runs*: zigzag distance in ms from the time before (the first from the window's start), how often.
 * *Values* are 8 bytes each where the encoding is 0, the only one so far.
 *
 * *Histograms* are as in head/histogram-bytes.ts; they come after the float samples of an entry and replace them where
 * both have one time. The labels of *exemplars* are a label run, as definitions are.
 *
 * *Starts* (section 6) stand before the samples, and only where one of them has a start: Unix milliseconds at which the
 * counter of a sample began to count, 0 where nobody has said it, of the float samples in their order and then of the
 * histograms; the first start is a distance to 0.
 *
 * Section 5 is reserved for metadata. A reader refuses a section or an encoding that it does not know, as skipping it
 * would lose acknowledged data.
 */

export const ENTRY_VERSION = 1;
export const ENTRY_HEADER_BYTES = 16;
export const SECTION_HEADER_BYTES = 8;

export const SECTION_DEFINITIONS = 1;
export const SECTION_FLOAT_SAMPLES = 2;
export const SECTION_HISTOGRAMS = 3;
export const SECTION_EXEMPLARS = 4;
export const SECTION_STARTS = 6;

export const VALUES_RAW = 0;

/** A journal entry that cannot be read: damaged, or written by a newer version. */
export class JournalEntryError extends Error {
  override readonly name = 'JournalEntryError';
}

export function align8(at: number): number {
  return (at + 7) & ~7;
}
