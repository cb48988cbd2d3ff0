import type { EngineMetric } from './engine.ts';

/** One metric family at scrape time. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** `_bucket`, `_sum` or `_count` in a histogram. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The engine's metrics under Prometheus' rules: `a.b.c` becomes `a_b_c`, counters end in `_total`, buckets cumulate. */
export function bridgeMetrics(metrics: readonly EngineMetric[]): MetricFamily[] {
  const families = new Map<string, { help: string; type: MetricFamily['type']; samples: MetricSample[] }>();
  for (const metric of metrics) {
    const type = metric.value.kind;
    const base = metric.name.replace(/[^a-zA-Z0-9_]/g, '_');
    const name = type === 'counter' && !base.endsWith('_total') ? `${base}_total` : base;
    let family = families.get(name);
    if (family === undefined) families.set(name, (family = { help: metric.help, type, samples: [] }));
    pushSamples(family.samples, metric);
  }
  return [...families].map(([name, family]) => ({ name, ...family })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function pushSamples(samples: MetricSample[], { labels, value }: EngineMetric): void {
  if (value.kind !== 'histogram') {
    samples.push({ labels, value: value.value });
    return;
  }
  pushHistogram(samples, labels, value);
}

interface HistogramState {
  readonly boundaries: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

function pushHistogram(samples: MetricSample[], labels: Readonly<Record<string, string>>, state: HistogramState): void {
  let cumulated = 0;
  for (let bucket = 0; bucket < state.boundaries.length; bucket++) {
    cumulated += state.bucketCounts[bucket] ?? 0;
    const le = String(state.boundaries[bucket]);
    samples.push({ suffix: '_bucket', labels: { ...labels, le }, value: cumulated });
  }
  samples.push({ suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: state.count });
  samples.push({ suffix: '_sum', labels, value: state.sum });
  samples.push({ suffix: '_count', labels, value: state.count });
}

/** A histogram of seconds, kept where it is observed. */
export class SecondsHistogram {
  readonly #boundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  readonly #counts = new Array<number>(this.#boundaries.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#boundaries.length && seconds > this.#boundaries[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += seconds;
    this.#count++;
  }

  family(name: string, help: string): MetricFamily {
    const samples: MetricSample[] = [];
    const state = { boundaries: this.#boundaries, bucketCounts: this.#counts, sum: this.#sum, count: this.#count };
    pushHistogram(samples, {}, state);
    return { name, help, type: 'histogram', samples };
  }
}

export function counterFamily(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'counter', samples: [{ labels: {}, value }] };
}

export function gaugeFamily(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ labels: {}, value }] };
}
