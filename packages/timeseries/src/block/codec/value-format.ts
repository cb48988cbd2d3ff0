/**
 * The values of one series; how many samples it has is told by its timestamps.
 *
 *     values := head u8, [extras], [decimals u8], [change map], [exceptions], column
 *     head := kind + 8 * map + 32 * has exceptions + 64 * has divisor + 128 * has extras
 *     extras := bytes varint, { kind u8, bytes varint, content }
 *     exceptions := count varint, { distance to the one before varint, code u8, [bits u64] }
 *
 *     column of integers, decimals := first value signed varint, [divisor varint], [integer column]
 *     column of patterns := first value u64, [divisor varint], [integer column]
 *     column of halves := first value u64, [integer column of high halves], [of low halves]
 *     column of raw values := u64 each
 *     column of predicted := series varint, factor varint, first value signed varint, integer column
 *     column of multiples := offset f64, step f64, first multiple signed varint, integer column,
 *                            first correction signed varint, integer column of corrections
 *
 * *Predicted* values are integers, expected from another series of the page with as many samples, itself not predicted:
 * a step from sample to sample is the entry of the column plus `floor(factor * step there / 65536 + 1/2)`, where a step
 * there that is not below 2^44 counts as 0. The first entry is 0.
 *
 * *Multiples*: a value is `offset + multiple * step`, computed in doubles, and the correction added to its bits.
 *
 * The other integer columns are differences to the first value, divided by the divisor; they are absent where no value changes.
 */

export const KIND_MASK = 7;
/** Integers. */
export const KIND_INTEGERS = 0;
/** Integers divided by a power of ten. */
export const KIND_DECIMALS = 1;
/** The bits of the doubles taken as integers. */
export const KIND_PATTERNS = 2;
/** High and low 32 bits of the doubles apart. */
export const KIND_HALVES = 3;
export const KIND_RAW = 4;
/** Native histograms, perhaps with floats between. */
export const KIND_HISTOGRAMS = 5;

/** Integers by their distance to what another series makes expect. */
export const KIND_PREDICTED = 6;
/** Doubles that are multiples of a step. */
export const KIND_MULTIPLES = 7;

export const MAP_SHIFT = 3;
export const EXCEPTIONS_FLAG = 32;
export const DIVISOR_FLAG = 64;
export const EXTRAS_FLAG = 128;

/** Codes of exceptions; the others are kept for later. */
export const EXCEPTION_BITS = 0;
export const EXCEPTION_STALE = 1;
export const EXCEPTION_NAN = 2;
export const EXCEPTION_NEGATIVE_ZERO = 3;
export const EXCEPTION_ZERO = 4;
export const EXCEPTION_INFINITY = 5;
export const EXCEPTION_NEGATIVE_INFINITY = 6;

/** The high and low half of each code's bits; the first is only a place holder. */
export const EXCEPTION_HIGHS = Uint32Array.of(0, 0x7ff00000, 0x7ff80000, 0x80000000, 0, 0x7ff00000, 0xfff00000);
export const EXCEPTION_LOWS = Uint32Array.of(0, 2, 1, 0, 0, 0, 0);
