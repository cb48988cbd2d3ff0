import { labelValue, METRIC_NAME } from '@opendata/promql';
import type { StartedSeries } from './corpus.ts';

type Sample = StartedSeries['samples'][number];

/** The series as cumulative sums and exponential histograms in OTLP's JSON, which take start timestamps along. */
export function otlpRequest(series: readonly StartedSeries[]): object {
  const metrics = series.flatMap(({ labels, samples }) => runsOf(samples).map((run) => metricOf(labels, run)));
  return { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
}

/** Samples of one kind that follow each other. */
function runsOf(samples: readonly Sample[]): Sample[][] {
  const runs: Sample[][] = [];
  for (const sample of samples) {
    const last = runs.at(-1);
    if (last !== undefined && 'histogram' in last[0]! === 'histogram' in sample) last.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

function metricOf(labels: readonly string[], samples: readonly Sample[]): object {
  const attributes: object[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] !== METRIC_NAME) attributes.push({ key: labels[i], value: { stringValue: labels[i + 1] } });
  }
  const dataPoints = samples.map((sample) => ({ attributes, ...pointOf(sample) }));
  const data = { aggregationTemporality: 2, dataPoints };
  const name = labelValue(labels, METRIC_NAME);
  return 'histogram' in samples[0]!
    ? { name, exponentialHistogram: data }
    : { name, sum: { ...data, isMonotonic: true } };
}

function pointOf(sample: Sample): object {
  const times = {
    timeUnixNano: String(sample.timestampMs * 1e6),
    ...(sample.startTimestampMs === undefined ? {} : { startTimeUnixNano: String(sample.startTimestampMs * 1e6) }),
  };
  if ('value' in sample) {
    return sample.value === 'stale' ? { ...times, asDouble: 0, flags: 1 } : { ...times, asDouble: sample.value };
  }
  const { schema, count, sum, zeroCount, zeroThreshold, positiveBuckets, negativeBuckets } = sample.histogram;
  if (positiveBuckets.length + negativeBuckets.length > 0) throw new Error('no buckets in histograms with start times');
  return { ...times, scale: schema, count: String(count), sum, zeroCount: String(zeroCount), zeroThreshold };
}
