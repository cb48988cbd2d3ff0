import type { MaybeHistogram } from './codec/index.ts';

/** Samples of one series in ascending order of time; where `histograms[i]` is present, it is the sample. */
export interface SeriesSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly MaybeHistogram[] | undefined;
  /** When the counters of the samples began to count, in Unix ms or 0; absent where nobody has said it. */
  readonly startTimestamps?: Float64Array | undefined;
  /** So many of the first values are known not to be NaN and not to be below the one before them. */
  readonly ascendingCount?: number | undefined;
}

/** One of several parts, none empty; of samples with the same time that of the last part stays. */
export function mergeSamples(parts: readonly SeriesSamples[]): SeriesSamples {
  if (parts.length === 1) return parts[0]!;
  const inTime = inOrderOfTime(parts);
  if (inTime !== undefined) return concatenate(inTime);
  let merged = parts[0]!;
  for (let i = 1; i < parts.length; i++) {
    const pair = [merged, parts[i]!];
    const pairInTime = inOrderOfTime(pair);
    merged = pairInTime === undefined ? interleave(merged, parts[i]!) : concatenate(pairInTime);
  }
  return merged;
}

/** The parts by their times, where none reaches into another. */
export function inOrderOfTime(parts: readonly SeriesSamples[]): readonly SeriesSamples[] | undefined {
  const ordered = follow(parts)
    ? parts
    : [...parts].sort(({ timestamps: a }, { timestamps: b }) => a[0]! - b[0]! || a[a.length - 1]! - b[b.length - 1]!);
  return ordered === parts || follow(ordered) ? ordered : undefined;
}

function follow(parts: readonly SeriesSamples[]): boolean {
  for (let i = 1; i < parts.length; i++) {
    const before = parts[i - 1]!.timestamps;
    if (before[before.length - 1]! >= parts[i]!.timestamps[0]!) return false;
  }
  return true;
}

function concatenate(parts: readonly SeriesSamples[]): SeriesSamples {
  let count = 0;
  for (const { timestamps } of parts) count += timestamps.length;
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  const histograms: MaybeHistogram[] | undefined = parts.some((part) => part.histograms !== undefined)
    ? new Array(count).fill(undefined)
    : undefined;
  let at = 0;
  for (const part of parts) {
    timestamps.set(part.timestamps, at);
    values.set(part.values, at);
    if (histograms !== undefined && part.histograms !== undefined) {
      for (const [i, histogram] of part.histograms.entries()) histograms[at + i] = histogram;
    }
    at += part.timestamps.length;
  }
  return { timestamps, values, histograms, startTimestamps: joinStarts(parts, count) };
}

/** The starts of parts that follow one another. */
export function joinStarts(parts: readonly SeriesSamples[], count: number): Float64Array | undefined {
  if (parts.every(({ startTimestamps }) => startTimestamps === undefined)) return undefined;
  const starts = new Float64Array(count);
  let at = 0;
  for (const { startTimestamps, timestamps } of parts) {
    if (startTimestamps !== undefined) starts.set(startTimestamps, at);
    at += timestamps.length;
  }
  return starts;
}

function interleave(older: SeriesSamples, newer: SeriesSamples): SeriesSamples {
  const a = older.timestamps;
  const b = newer.timestamps;
  const timestamps = new Float64Array(a.length + b.length);
  const values = new Float64Array(a.length + b.length);
  const histograms: MaybeHistogram[] | undefined =
    older.histograms === undefined && newer.histograms === undefined ? undefined : [];
  const hasStarts = older.startTimestamps !== undefined || newer.startTimestamps !== undefined;
  const starts = hasStarts ? new Float64Array(a.length + b.length) : undefined;
  let at = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const takesNewer = i === a.length || (j < b.length && b[j]! <= a[i]!);
    if (takesNewer && i < a.length && a[i] === b[j]) i++;
    const from = takesNewer ? newer : older;
    const index = takesNewer ? j++ : i++;
    timestamps[at] = from.timestamps[index]!;
    values[at] = from.values[index]!;
    histograms?.push(from.histograms?.[index]);
    if (starts !== undefined) starts[at] = from.startTimestamps?.[index] ?? 0;
    at++;
  }
  const startTimestamps = starts?.slice(0, at);
  return { timestamps: timestamps.slice(0, at), values: values.slice(0, at), histograms, startTimestamps };
}
