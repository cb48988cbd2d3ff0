import type { FloatHistogram, Span } from '@opendata/promql';
import type { ByteReader } from './byte-reader.ts';
import { MAX_BUCKET_COUNTS, RESET_HINTS } from './histogram-format.ts';
import type { MaybeHistogram } from './histograms-encode.ts';
import { EXTRAS_FLAG, KIND_HISTOGRAMS, KIND_MASK } from './value-format.ts';
import type { ValuesDecoder } from './values-decode.ts';

/** Schema, zero threshold, no spans, no bounds. */
const MIN_LAYOUT_BYTES = 12;

interface Layout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly Span[];
  readonly negativeSpans: readonly Span[];
  readonly customValues: Float64Array;
  readonly positiveBuckets: number;
  readonly negativeBuckets: number;
  /** Histograms of this layout. */
  samples: number;
  /** Counts of all buckets of a histogram, then of the next one. */
  counts: Float64Array;
}

/**
 * Reads the samples of a series with native histograms; see histogram-format.ts. Floats come to `target[at…]`, where
 * the places of histograms are set to 0.
 * @throws PageFormatError
 */
export function decodeHistograms(
  reader: ByteReader,
  columns: ValuesDecoder,
  target: Float64Array,
  at: number,
  count: number,
): MaybeHistogram[] {
  const { end } = reader;
  const head = reader.byte();
  if ((head & ~EXTRAS_FLAG) !== KIND_HISTOGRAMS) reader.fail(`not histograms but values of kind ${head & KIND_MASK}`);
  if ((head & EXTRAS_FLAG) !== 0) reader.skip(reader.varint(), 'extras');
  const samples = new Array<MaybeHistogram>(count).fill(undefined);
  target.fill(0, at, at + count);
  const places = readPlaces(reader, columns, target, at, count);
  const histograms = places.length;
  const layouts = Array.from({ length: reader.count((end - reader.at) / MIN_LAYOUT_BYTES, 'layouts') }, () =>
    readLayout(reader),
  );
  const tags = readRuns(reader, layouts, histograms);
  const zeroCounts = readColumn(reader, columns, histograms);
  const counts = readColumn(reader, columns, histograms);
  const sums = readColumn(reader, columns, histograms);
  readBuckets(reader, columns, layouts);
  if (reader.at !== end) reader.fail('bytes behind the histograms');
  const next = new Uint32Array(layouts.length);
  for (let i = 0; i < histograms; i++) {
    const number = tags[i]! >>> 2;
    const layout = layouts[number]!;
    const numbers = { zeroCount: zeroCounts[i]!, count: counts[i]!, sum: sums[i]! };
    samples[places[i]!] = histogramOf(layout, next[number]!++, tags[i]! & 3, numbers);
  }
  return samples;
}

function histogramOf(
  layout: Layout,
  index: number,
  hint: number,
  numbers: Pick<FloatHistogram, 'zeroCount' | 'count' | 'sum'>,
): FloatHistogram {
  const { schema, zeroThreshold, positiveSpans, negativeSpans, customValues } = layout;
  const from = index * (layout.positiveBuckets + layout.negativeBuckets);
  const middle = from + layout.positiveBuckets;
  return {
    schema,
    counterResetHint: RESET_HINTS[hint]!,
    zeroThreshold,
    ...numbers,
    positiveSpans,
    positiveBuckets: layout.counts.subarray(from, middle),
    negativeSpans,
    negativeBuckets: layout.counts.subarray(middle, middle + layout.negativeBuckets),
    customValues,
  };
}

/** Reads the floats between the histograms; returns the places of the histograms. */
function readPlaces(
  reader: ByteReader,
  columns: ValuesDecoder,
  target: Float64Array,
  at: number,
  count: number,
): Uint32Array {
  const mixed = reader.byte();
  if (mixed > 1) reader.fail(`unknown form of histograms ${mixed}`);
  if (mixed === 0) return Uint32Array.from({ length: count }, (_, i) => i);
  const map = reader.skip((count + 7) >>> 3, 'a float map');
  const isFloat = (i: number): boolean => ((reader.bytes[map + (i >>> 3)]! >>> (i & 7)) & 1) === 1;
  let floats = 0;
  for (let i = 0; i < count; i++) if (isFloat(i)) floats++;
  const places = new Uint32Array(count - floats);
  if (floats === 0) reader.fail('a float map without floats');
  const words = new Uint32Array(target.buffer, target.byteOffset);
  const values = new Uint32Array(readColumn(reader, columns, floats).buffer);
  for (let i = 0, float = 0; i < count; i++) {
    if (isFloat(i)) {
      words[2 * (at + i)] = values[2 * float]!;
      words[2 * (at + i) + 1] = values[2 * float++ + 1]!;
    } else places[i - float] = i;
  }
  return places;
}

function readLayout(reader: ByteReader): Layout {
  const schema = reader.signedVarint();
  const zeroThreshold = readDouble(reader);
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const bounds = reader.count((reader.end - reader.at) / 8, 'bucket bounds');
  const customValues = Float64Array.from({ length: bounds }, () => readDouble(reader));
  const positiveBuckets = bucketsOf(positiveSpans);
  const negativeBuckets = bucketsOf(negativeSpans);
  // Each bucket has a column, and a column has bytes.
  if (positiveBuckets + negativeBuckets > reader.end - reader.at) reader.fail('more buckets than bytes');
  return {
    schema,
    zeroThreshold,
    positiveSpans,
    negativeSpans,
    customValues,
    positiveBuckets,
    negativeBuckets,
    samples: 0,
    counts: new Float64Array(0),
  };
}

function readSpans(reader: ByteReader): Span[] {
  const count = reader.count((reader.end - reader.at) / 2, 'spans');
  return Array.from({ length: count }, () => ({ offset: reader.signedVarint(), length: reader.varint() }));
}

function bucketsOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}

function readDouble(reader: ByteReader): number {
  return reader.view.getFloat64(reader.skip(8, 'a number'), true);
}

/** Layout and reset hint of each histogram. */
function readRuns(reader: ByteReader, layouts: readonly Layout[], histograms: number): Uint32Array {
  const tags = new Uint32Array(histograms);
  for (let from = 0; from < histograms; ) {
    const tag = reader.count(4 * layouts.length - 1, 'layout of a run');
    const samples = reader.count(histograms - from, 'histograms of a run');
    if (samples === 0) reader.fail('a run without histograms');
    tags.fill(tag, from, from + samples);
    layouts[tag >>> 2]!.samples += samples;
    from += samples;
  }
  return tags;
}

function readBuckets(reader: ByteReader, columns: ValuesDecoder, layouts: readonly Layout[]): void {
  let total = 0;
  for (const { positiveBuckets, negativeBuckets, samples } of layouts) {
    if (samples === 0) reader.fail('a layout without histograms');
    total += (positiveBuckets + negativeBuckets) * samples;
  }
  if (total > MAX_BUCKET_COUNTS) reader.fail(`${total} bucket counts are too many`);
  for (const layout of layouts) {
    const buckets = layout.positiveBuckets + layout.negativeBuckets;
    const { samples } = layout;
    const counts = new Float64Array(buckets * samples);
    for (let bucket = 0; bucket < buckets; bucket++) {
      const column = readColumn(reader, columns, samples);
      for (let i = 0; i < samples; i++) counts[i * buckets + bucket] = column[i]!;
    }
    layout.counts = counts;
  }
}

function readColumn(reader: ByteReader, columns: ValuesDecoder, count: number): Float64Array {
  const { end } = reader;
  const start = reader.skip(reader.varint(), 'a column');
  const behind = reader.at;
  const target = new Float64Array(count);
  reader.enter(start, behind);
  if (count > 0) columns.decode(reader, target, 0, count);
  reader.enter(behind, end);
  return target;
}
