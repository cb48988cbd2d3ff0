/**
 * The samples of a series with native histograms, perhaps with floats between them.
 *
 *     histograms := head u8, [extras], mixed u8, [float map], [floats],
 *                   layouts varint, { layout }, { run }, zero counts, counts, sums, { bucket column }
 *     float map  := a bit for each sample, set for floats, low bits first, up to a whole byte
 *     layout     := schema signed varint, zero threshold f64, spans, spans, bounds varint, { bound f64 }
 *     spans      := count varint, { offset signed varint, length varint }
 *     run        := 4 * layout + reset hint varint, samples varint
 *     floats, zero counts, counts, sums, bucket column := bytes varint, values (see value-format.ts)
 *
 * Runs follow each other until all histograms have a layout. Each layout has a column for each bucket, those of the
 * positive spans first, of the counts in all histograms of the layout, in order of time.
 */

/** Reset hints by their number in a run. */
export const RESET_HINTS = ['unknown', 'reset', 'not_reset', 'gauge'] as const;

/** Most bucket counts of a series that is read. */
export const MAX_BUCKET_COUNTS = 1 << 24;
