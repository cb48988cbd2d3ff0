import { isLabelName, isMetricName, type MetricType, sampleNames } from './family.ts';

/** @throws TypeError when a metric cannot be registered under this name and these labels */
export function checkNames(
  name: string,
  type: MetricType,
  labelNames: readonly string[],
  takenNames: ReadonlySet<string>,
): void {
  if (!isMetricName(name)) throw new TypeError(`${JSON.stringify(name)} is not a metric name`);
  for (const sampleName of sampleNames(name, type)) {
    if (takenNames.has(sampleName)) throw new TypeError(`metric ${name}: the name ${sampleName} is taken`);
  }
  for (const label of labelNames) {
    if (!isLabelName(label) || (label === 'le' && type === 'histogram')) {
      throw new TypeError(`metric ${name}: ${JSON.stringify(label)} cannot be a label of a ${type}`);
    }
  }
  if (new Set(labelNames).size !== labelNames.length) throw new TypeError(`metric ${name}: a label is named twice`);
}

/** @throws TypeError unless the bounds are finite and ascending */
export function checkBuckets({ name, buckets }: { name: string; buckets: readonly number[] }): Float64Array {
  const ascending = buckets.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > buckets[i - 1]!));
  if (!ascending || buckets.length === 0) {
    throw new TypeError(`metric ${name}: buckets must be finite and ascending, found ${buckets.join(', ')}`);
  }
  return Float64Array.from(buckets);
}

/** `count` bounds, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((start * factor ** i).toPrecision(12)));
}
