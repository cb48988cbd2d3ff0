/**
 * A page: the samples of many series, each readable without the others. Numbers are little-endian.
 *
 *     page := version u8, compression u8, 0 u16, series u32, patterns u32, timestamps in all patterns u32,
 *             directory bytes u32, pattern bytes u32, value bytes u32,
 *             directory, patterns, values, eight zero bytes
 *     directory := for each series { 4 * length + 2 * shares values + has pattern varint, [pattern varint] }
 *     patterns  := { bytes varint, timestamps (see timestamps.ts) }
 *     values    := { values of a series (see value-format.ts) }
 *
 * A series without a pattern has the one of the series before it. Values come in the order of the series; where
 * *shares values* is set, the series has the bytes of the series `length + 1` before it, and none of its own.
 * *Compression* is 0: nothing is compressed any further; others are kept for later.
 */

/** Version 1 has no symbols in its columns, version 2 no multiples. */
export const OLDEST_PAGE_VERSION = 1;
export const PAGE_VERSION = 3;
export const PAGE_HEADER_BYTES = 28;
export const COMPRESSION_NONE = 0;

export const HAS_PATTERN = 1;
export const SHARES_VALUES = 2;

/** Pages are never longer than this. */
export const MAX_PAGE_BYTES = 64 << 20;
/** Most timestamps of a pattern. */
export const MAX_PATTERN_SAMPLES = 1 << 24;
/**
 * Most timestamps in all patterns of a page, unless a reader asks for less. Patterns are decoded one by one, and those that
 * keep an interval take some 15 bytes whatever they have: of thousands of targets a page once had more than 2^22.
 */
export const MAX_PAGE_TIMESTAMPS = 2 ** 28;
