import { decodeLabels, isWireError, type WriteRequestColumns } from '@opendata/wire';
import { InvalidSampleError, InvalidSeriesError } from '../head/errors.ts';
import type { Head } from '../head/head.ts';
import type { HeadWriter } from './head-writer.ts';
import { requestHistogram } from './request-extras.ts';

type LabelColumns = Pick<WriteRequestColumns, 'body' | 'labelsStart' | 'labelsEnd'>;

/** A series of a request for a message: its labels, as far as they can be read, and its place, 0 for the first. */
export function seriesText({ body, labelsStart, labelsEnd }: LabelColumns, series: number): string {
  return labelsText(body.subarray(labelsStart[series]!, labelsEnd[series]!), series);
}

/** `seriesText` of a label set as it arrived. */
export function labelsText(bytes: Uint8Array, series: number): string {
  const place = `(index ${series} of the request)`;
  let labels: readonly string[];
  try {
    labels = decodeLabels(bytes, 0, bytes.length);
  } catch {
    return place;
  }
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2) pairs.push(`${labels[i]}=${JSON.stringify(labels[i + 1])}`);
  return `{${pairs.join(', ')}} ${place}`;
}

/**
 * Finds the series that a request was refused for.
 * @param decodeAgain gives the request with a body that stays where it is
 * @returns the error with the series in its message
 */
export function nameRefusal(
  error: unknown,
  head: Head,
  writer: HeadWriter,
  decodeAgain: () => WriteRequestColumns,
): unknown {
  if (!(error instanceof InvalidSeriesError || error instanceof InvalidSampleError || isWireError(error))) return error;
  const columns = decodeAgain();
  const { body, labelsStart, labelsEnd, sampleStart, timestamps } = columns;
  let series = 0;
  const ids = new Uint32Array(columns.seriesCount);
  try {
    for (; series < columns.seriesCount; series++) {
      ids[series] = head.series.resolveOne(body.subarray(labelsStart[series]!, labelsEnd[series]!));
    }
    for (series = 0; series < columns.seriesCount; series++) {
      for (let i = sampleStart[series]!; i < sampleStart[series + 1]!; i++) {
        writer.checkTimes(timestamps[i]!, timestamps[i]!);
      }
    }
    for (let i = 0; i < columns.histogramCount; i++) {
      series = columns.histogramSeries[i]!;
      const { timestampMs } = requestHistogram(columns, i, ids);
      writer.checkTimes(timestampMs, timestampMs);
    }
  } catch (found) {
    if (!(found instanceof InvalidSeriesError || found instanceof InvalidSampleError || isWireError(found)))
      return error;
    const message = `${found.message} for series ${seriesText(columns, series)}`;
    return found instanceof InvalidSeriesError ? new InvalidSeriesError(message) : new InvalidSampleError(message);
  }
  return error;
}
