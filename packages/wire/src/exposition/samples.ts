import { malformed } from '../errors.ts';
import type { FamilyMetadata } from '../remote-write.ts';
import type { WireExemplar, WireHistogram } from '../remote-write-histogram.ts';
import { addNumberedFamilies, type NumberedFamilies, normaliseNumbers } from './openmetrics-float.ts';
import { createScan, readEscaped, type Scan, scanSeriesText } from './scan.ts';

export interface ExpositionExemplar extends WireExemplar {
  /** index of the sample that it belongs to; its timestampMs is NaN where the exposition has none */
  readonly sample: number;
}

/** A native histogram of an exposition. */
export interface ExpositionHistogram {
  readonly seriesStart: number;
  readonly seriesEnd: number;
  /** ms; NaN where there is none */
  readonly timestampMs: number;
  readonly histogram: WireHistogram;
  /** their timestampMs is NaN where the exposition has none */
  readonly exemplars: readonly WireExemplar[];
}

/** A parsed exposition as columns. The arrays are longer than what they hold. */
export interface ExpositionSamples {
  readonly body: Uint8Array;
  readonly count: number;
  /** byte range of the series text, such as `up{job="a"}`: what a scraper keys its cache of series by */
  readonly seriesStart: Uint32Array;
  readonly seriesEnd: Uint32Array;
  readonly values: Float64Array;
  /** ms; NaN where the sample has none */
  readonly timestamps: Float64Array;
  readonly exemplars: readonly ExpositionExemplar[];
  readonly metadata: readonly FamilyMetadata[];
  /** Absent where the format has none. */
  readonly histograms?: readonly ExpositionHistogram[];
  /** As `labels`, of the series text at that place. */
  labelsAt(seriesStart: number): string[];
  /**
   * `__name__`, the metric's name, then name and value of each label in the order of the text; `le` and `quantile`
   * in the form that they have in OpenMetrics.
   * @throws WireError malformed if a label name occurs twice
   */
  labels(sample: number): string[];
}

/** A parse that goes on in steps, so that a large body does not hold up the event loop. */
export interface ExpositionParse {
  /** Parses up to that many more lines; true once there are no more. @throws WireError malformed */
  parseLines(maxLines: number): boolean;
  /** The result, once `parseLines` has returned true. */
  finish(): ExpositionSamples;
}

export interface MutableSamples {
  count: number;
  seriesStart: Uint32Array;
  seriesEnd: Uint32Array;
  values: Float64Array;
  timestamps: Float64Array;
  readonly exemplars: ExpositionExemplar[];
}

export function createSamples(body: Uint8Array): MutableSamples {
  const capacity = Math.max(16, Math.min(65536, body.length >>> 6));
  return {
    count: 0,
    seriesStart: new Uint32Array(capacity),
    seriesEnd: new Uint32Array(capacity),
    values: new Float64Array(capacity),
    timestamps: new Float64Array(capacity),
    exemplars: [],
  };
}

export function addSample(
  samples: MutableSamples,
  seriesStart: number,
  seriesEnd: number,
  value: number,
  timestampMs: number,
): void {
  const i = samples.count++;
  if (i === samples.values.length) grow(samples);
  samples.seriesStart[i] = seriesStart;
  samples.seriesEnd[i] = seriesEnd;
  samples.values[i] = value;
  samples.timestamps[i] = timestampMs;
}

function grow(samples: MutableSamples): void {
  const capacity = samples.values.length * 2;
  const { seriesStart, seriesEnd, values, timestamps } = samples;
  samples.seriesStart = new Uint32Array(capacity);
  samples.seriesStart.set(seriesStart);
  samples.seriesEnd = new Uint32Array(capacity);
  samples.seriesEnd.set(seriesEnd);
  samples.values = new Float64Array(capacity);
  samples.values.set(values);
  samples.timestamps = new Float64Array(capacity);
  samples.timestamps.set(timestamps);
}

/** The result that callers see: the columns, with labels to be had on demand. */
export function finishSamples(
  body: Uint8Array,
  samples: MutableSamples,
  metadata: readonly FamilyMetadata[],
  families: NumberedFamilies = new Map(),
): ExpositionSamples {
  let scan: Scan | undefined;
  addNumberedFamilies(families, metadata);
  return {
    body,
    ...samples,
    metadata,
    labels(sample) {
      return this.labelsAt(samples.seriesStart[sample]!);
    },
    labelsAt(seriesStart) {
      scan ??= createScan(body);
      scan.at = scan.lineStart = seriesStart;
      scanSeriesText(scan, false);
      const labels = readSeriesLabels(scan);
      normaliseNumbers(labels, families);
      return labels;
    },
  };
}

/** Among these a name is found soonest by looking at all. */
const FEW_LABELS = 32;

function hasLabel(labels: readonly string[], name: string): boolean {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return true;
  return false;
}

/** Strings of the series text that was scanned last. @throws WireError malformed if a label name occurs twice */
function readSeriesLabels(scan: Scan): string[] {
  const labels = ['__name__', readEscaped(scan.body, scan.nameStart, scan.nameEnd)];
  const names = scan.labelCount > FEW_LABELS ? new Set(labels.slice(0, 1)) : undefined;
  for (let i = 0; i < scan.labelCount; i++) {
    const name = readEscaped(scan.body, scan.labelNameStart[i]!, scan.labelNameEnd[i]!);
    if (names?.has(name) ?? hasLabel(labels, name)) {
      throw malformed(`label name ${JSON.stringify(name)} is not unique: invalid sample`);
    }
    names?.add(name);
    labels.push(name, readEscaped(scan.body, scan.labelValueStart[i]!, scan.labelValueEnd[i]!));
  }
  return labels;
}
