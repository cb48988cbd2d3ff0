import { writeStaleMarker } from '@opendata/promql';
import { decodeExemplar, decodeHistogram, type WriteRequestColumns } from '@opendata/wire';
import { checkHistogram } from '../head/check-histogram.ts';
import { isStaleHistogram } from '../head/read-histograms.ts';
import type { ExemplarOfSeries, HistogramOfSeries } from './batch-writer.ts';
import type { SampleColumns } from './head-writer.ts';

/** A histogram of a request, or that its series has ended. */
export type RequestHistogram = HistogramOfSeries & { readonly isStale: boolean };

/**
 * The i-th histogram of a request.
 * @param seriesIds numbers of the request's series in the head
 * @throws WireError, InvalidSampleError
 */
export function requestHistogram(columns: WriteRequestColumns, i: number, seriesIds: Uint32Array): RequestHistogram {
  const { body, histogramStart, histogramEnd, histogramSeries } = columns;
  const { timestampMs, histogram, startTimestampMs } = decodeHistogram(body, histogramStart[i]!, histogramEnd[i]!);
  const isStale = isStaleHistogram(histogram);
  if (!isStale) checkHistogram(histogram, histogram.isFloat !== false);
  return {
    series: seriesIds[histogramSeries[i]!]!,
    timestampMs,
    histogram,
    startMs: startMsOf(startTimestampMs),
    isStale,
  };
}

/** Latest start, in ms: the distance of two fits a number, twice. */
const MAX_START_MS = 2 ** 51;

/** A start as it is stored: 0 where there is none, or one that cannot be. */
export function startMsOf(startMs: number | undefined): number {
  return startMs !== undefined && startMs > 0 && startMs <= MAX_START_MS ? Math.floor(startMs) : 0;
}

/** The i-th exemplar of a request. @throws WireError */
export function requestExemplar(columns: WriteRequestColumns, i: number, seriesIds: Uint32Array): ExemplarOfSeries {
  const { body, exemplarStart, exemplarEnd, exemplarSeries } = columns;
  const exemplar = decodeExemplar(body, exemplarStart[i]!, exemplarEnd[i]!);
  return { series: seriesIds[exemplarSeries[i]!]!, exemplar };
}

/** The floats, and a staleness marker for each histogram that is one. */
export function withStaleMarkers(floats: SampleColumns, histograms: readonly RequestHistogram[]): SampleColumns {
  const stale = histograms.filter(({ isStale }) => isStale);
  if (stale.length === 0) return floats;
  const count = floats.count + stale.length;
  const series = new Uint32Array(count);
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  series.set(floats.series.subarray(0, floats.count));
  timestamps.set(floats.timestamps.subarray(0, floats.count));
  values.set(floats.values.subarray(0, floats.count));
  const starts = floats.starts && new Float64Array(count);
  starts?.set(floats.starts!.subarray(0, floats.count));
  for (const [i, sample] of stale.entries()) {
    series[floats.count + i] = sample.series;
    timestamps[floats.count + i] = sample.timestampMs;
    writeStaleMarker(values, floats.count + i);
  }
  return { series, timestamps, values, count, starts };
}
