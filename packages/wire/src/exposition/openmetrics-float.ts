import type { FamilyMetadata, MetricType } from '../remote-write.ts';
import { floatResult, parseFloatBytes } from './float.ts';

/** A number as OpenMetrics has it in `le` and `quantile`: never like an integer. */
export function openMetricsFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Number.isNaN(value)) return 'NaN';
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent >= 21) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

const BUCKET = '_bucket';
const encoder = new TextEncoder();

/** Types of the families whose labels have numbers, by name. */
export type NumberedFamilies = Map<string, MetricType>;

/** Adds the families of histograms and summaries. */
export function addNumberedFamilies(families: NumberedFamilies, metadata: readonly FamilyMetadata[]): void {
  for (const { family, type } of metadata) {
    if (type === 'histogram' || type === 'summary') families.set(family, type);
  }
}

/**
 * Writes the bound of a histogram's bucket and the quantile of a summary in one form, as Prometheus does, whichever
 * format they came in: `1.0` for `1`.
 * @param labels `__name__` first; changed in place
 */
export function normaliseNumbers(labels: string[], families: NumberedFamilies): void {
  if (families.size === 0) return;
  const name = labels[1]!;
  if (families.get(name) === 'summary') normalise(labels, 'quantile');
  else if (name.endsWith(BUCKET) && families.get(name.slice(0, -BUCKET.length)) === 'histogram')
    normalise(labels, 'le');
}

function normalise(labels: string[], label: string): void {
  for (let i = 2; i < labels.length; i += 2) {
    if (labels[i] !== label) continue;
    const bytes = encoder.encode(labels[i + 1]);
    const value = parseFloatBytes(bytes, 0, bytes.length);
    if (floatResult.isValid) labels[i + 1] = openMetricsFloat(value);
  }
}
