import { writeStaleMarker } from '../engine/staleness.ts';
import { detectReset } from '../histogram/counter-reset.ts';
import type { FloatHistogram } from '../histogram.ts';
import { type Labels, labelsKey, labelValue } from '../labels.ts';
import { compileMatcher } from '../matcher.ts';
import type { SelectRequest, SeriesColumns, SeriesSource } from '../source.ts';
import { toCustomBuckets } from './custom-buckets.ts';
import type { Point, SeriesDescription } from './script.ts';

export interface Sample {
  readonly timestampMs: number;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: FloatHistogram | undefined;
  readonly startMs: number;
}

export interface MemorySeries {
  readonly labels: Labels;
  readonly samples: Map<number, Sample>;
}

/** Series in memory, loaded from descriptions. */
export interface MemorySource extends SeriesSource {
  load(series: readonly SeriesDescription[], stepMs: number, withCustomBuckets: boolean): void;
  clear(): void;
}

export function createMemorySource(): MemorySource {
  const all = new Map<string, MemorySeries>();
  let columns: SeriesColumns[] | undefined;
  const seriesOf = (labels: Labels): MemorySeries => {
    const key = labelsKey(labels);
    let series = all.get(key);
    if (series === undefined) all.set(key, (series = { labels, samples: new Map() }));
    return series;
  };
  return {
    load(descriptions, stepMs, withCustomBuckets) {
      columns = undefined;
      for (const description of descriptions) {
        const { samples } = seriesOf(description.labels);
        for (const [i, point] of description.points.entries()) {
          const timestampMs = i * stepMs;
          const offset = description.startOffsetsMs?.[i];
          const startMs = offset === undefined ? 0 : timestampMs + offset;
          if (point !== undefined) samples.set(timestampMs, sampleOf(point, timestampMs, startMs));
        }
      }
      if (!withCustomBuckets) return;
      for (const { labels, samples } of toCustomBuckets(descriptions, stepMs)) {
        const own = seriesOf(labels).samples;
        for (const [timestampMs, sample] of samples) own.set(timestampMs, sample);
      }
    },
    clear() {
      all.clear();
      columns = undefined;
    },
    async select({ matchers, startMs, endMs }: SelectRequest) {
      columns ??= sharingTimes([...all.values()].map(toColumns));
      const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher).matches }));
      return columns.filter(
        ({ labels, timestamps }) =>
          timestamps.length > 0 &&
          timestamps[0]! <= endMs &&
          timestamps.at(-1)! >= startMs &&
          tests.every(({ name, test }) => test(labelValue(labels, name))),
      );
    },
  };
}

/** Series with the same times get one array, as from a storage of series that are scraped together. */
function sharingTimes(columns: readonly SeriesColumns[]): SeriesColumns[] {
  const known = new Map<string, Float64Array>();
  return columns.map((own) => {
    const key = own.timestamps.join();
    const timestamps = known.get(key) ?? own.timestamps;
    known.set(key, timestamps);
    return { ...own, timestamps };
  });
}

function sampleOf(point: NonNullable<Point>, timestampMs: number, startMs: number): Sample {
  if (point.kind === 'histogram') {
    return { timestampMs, value: 0, stale: false, histogram: point.histogram, startMs };
  }
  return { timestampMs, value: point.value, stale: point.stale, histogram: undefined, startMs };
}

function toColumns({ labels, samples }: MemorySeries): SeriesColumns {
  const sorted = [...samples.values()].sort((a, b) => a.timestampMs - b.timestampMs);
  const values = Float64Array.from(sorted, (sample) => sample.value);
  for (const [i, sample] of sorted.entries()) if (sample.stale) writeStaleMarker(values, i);
  const columns: SeriesColumns = { labels, timestamps: Float64Array.from(sorted, (s) => s.timestampMs), values };
  const histograms = sorted.some((sample) => sample.histogram) ? readBack(sorted) : undefined;
  const startTimestamps = sorted.some((s) => s.startMs !== 0) ? Float64Array.from(sorted, (s) => s.startMs) : undefined;
  return {
    ...columns,
    ...(histograms === undefined ? {} : { histograms }),
    ...(startTimestamps === undefined ? {} : { startTimestamps }),
  };
}

/**
 * Histograms with the counter reset hints that a database reads back: it starts a new chunk at every reset and every
 * change of layout, and knows of the samples inside a chunk only that they are no resets.
 */
function readBack(samples: readonly Sample[]): (FloatHistogram | undefined)[] {
  let previous: FloatHistogram | undefined;
  return samples.map(({ histogram }) => {
    const before = previous;
    previous = histogram;
    if (histogram === undefined || histogram.counterResetHint === 'gauge') return histogram;
    const sameChunk =
      before !== undefined &&
      before.counterResetHint !== 'gauge' &&
      histogram.counterResetHint !== 'reset' &&
      before.schema === histogram.schema &&
      before.zeroThreshold === histogram.zeroThreshold &&
      before.customValues.join() === histogram.customValues.join() &&
      !detectReset({ ...histogram, counterResetHint: 'unknown' }, before);
    return { ...histogram, counterResetHint: sameChunk ? 'not_reset' : 'unknown' };
  });
}
