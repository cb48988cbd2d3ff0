import type { FloatHistogram, Span } from '@opendata/promql';
import { ByteWriter } from './byte-writer.ts';
import { RESET_HINTS } from './histogram-format.ts';
import { KIND_HISTOGRAMS } from './value-format.ts';
import type { ValuesEncoder } from './values-encode.ts';

/** A sample of a series: a histogram, or a float where there is none. */
export type MaybeHistogram = FloatHistogram | undefined;

interface Layout {
  readonly histograms: FloatHistogram[];
  readonly number: number;
}

/**
 * Adds the samples of a series with native histograms; see histogram-format.ts.
 * @throws RangeError where a histogram has not as many buckets as its spans say
 */
export function encodeHistograms(
  writer: ByteWriter,
  columns: ValuesEncoder,
  values: Float64Array,
  samples: readonly MaybeHistogram[],
): void {
  const histograms = samples.filter((sample) => sample !== undefined);
  writer.byte(KIND_HISTOGRAMS);
  const isMixed = histograms.length < values.length;
  writer.byte(isMixed ? 1 : 0);
  if (isMixed) {
    writeFloatMap(writer, samples, values.length);
    writeColumn(
      writer,
      columns,
      values.filter((_, i) => samples[i] === undefined),
    );
  }
  const layouts = groupByLayout(histograms);
  writer.varint(layouts.size);
  for (const { histograms: members } of layouts.values()) writeLayout(writer, members[0]!);
  writeRuns(writer, histograms, layouts);
  writeColumn(
    writer,
    columns,
    Float64Array.from(histograms, (histogram) => histogram.zeroCount),
  );
  writeColumn(
    writer,
    columns,
    Float64Array.from(histograms, (histogram) => histogram.count),
  );
  writeColumn(
    writer,
    columns,
    Float64Array.from(histograms, (histogram) => histogram.sum),
  );
  for (const { histograms: members } of layouts.values()) {
    writeBuckets(writer, columns, members, (histogram) => histogram.positiveBuckets);
    writeBuckets(writer, columns, members, (histogram) => histogram.negativeBuckets);
  }
}

function writeFloatMap(writer: ByteWriter, samples: readonly MaybeHistogram[], count: number): void {
  const map = new Uint8Array((count + 7) >>> 3);
  for (let i = 0; i < count; i++) if (samples[i] === undefined) map[i >>> 3]! |= 1 << (i & 7);
  writer.append(map);
}

function groupByLayout(histograms: readonly FloatHistogram[]): Map<string, Layout> {
  const layouts = new Map<string, Layout>();
  for (const histogram of histograms) {
    checkBuckets(histogram.positiveSpans, histogram.positiveBuckets);
    checkBuckets(histogram.negativeSpans, histogram.negativeBuckets);
    const key = layoutKey(histogram);
    const layout = layouts.get(key);
    if (layout === undefined) layouts.set(key, { histograms: [histogram], number: layouts.size });
    else layout.histograms.push(histogram);
  }
  return layouts;
}

function checkBuckets(spans: readonly Span[], buckets: Float64Array): void {
  const expected = spans.reduce((sum, { length }) => sum + length, 0);
  if (expected !== buckets.length) throw new RangeError(`${buckets.length} buckets in spans of ${expected}`);
}

/** Equal for histograms whose buckets mean the same. */
function layoutKey({ schema, zeroThreshold, positiveSpans, negativeSpans, customValues }: FloatHistogram): string {
  const spans = (list: readonly Span[]): string => list.map(({ offset, length }) => `${offset}:${length}`).join();
  return `${schema}/${zeroThreshold}/${spans(positiveSpans)}/${spans(negativeSpans)}/${customValues.join()}`;
}

function writeLayout(writer: ByteWriter, histogram: FloatHistogram): void {
  writer.signedVarint(histogram.schema);
  writeDouble(writer, histogram.zeroThreshold);
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    writer.varint(spans.length);
    for (const { offset, length } of spans) {
      writer.signedVarint(offset);
      writer.varint(length);
    }
  }
  writer.varint(histogram.customValues.length);
  for (const bound of histogram.customValues) writeDouble(writer, bound);
}

function writeDouble(writer: ByteWriter, value: number): void {
  writer.reserve(8);
  writer.view.setFloat64(writer.length, value, true);
  writer.length += 8;
}

function writeRuns(
  writer: ByteWriter,
  histograms: readonly FloatHistogram[],
  layouts: ReadonlyMap<string, Layout>,
): void {
  const tags = histograms.map(
    (histogram) => 4 * layouts.get(layoutKey(histogram))!.number + RESET_HINTS.indexOf(histogram.counterResetHint),
  );
  for (let from = 0; from < tags.length; ) {
    let to = from + 1;
    while (to < tags.length && tags[to] === tags[from]) to++;
    writer.varint(tags[from]!);
    writer.varint(to - from);
    from = to;
  }
}

function writeBuckets(
  writer: ByteWriter,
  columns: ValuesEncoder,
  histograms: readonly FloatHistogram[],
  bucketsOf: (histogram: FloatHistogram) => Float64Array,
): void {
  const buckets = bucketsOf(histograms[0]!).length;
  for (let bucket = 0; bucket < buckets; bucket++) {
    writeColumn(
      writer,
      columns,
      Float64Array.from(histograms, (histogram) => bucketsOf(histogram)[bucket]!),
    );
  }
}

const columnBytes = new ByteWriter(4096);

function writeColumn(writer: ByteWriter, columns: ValuesEncoder, values: Float64Array): void {
  columnBytes.length = 0;
  columns.encodeAlone(columnBytes, values);
  writer.varint(columnBytes.length);
  writer.append(columnBytes.bytes.subarray(0, columnBytes.length));
}
