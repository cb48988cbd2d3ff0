export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One sample of a family; the family's name plus `suffix` is the sample's name. */
export interface MetricSample {
  /** `_bucket`, `_sum` or `_count` of a histogram; absent otherwise. */
  readonly suffix?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a collector hands over at scrape time: one metric name with all its samples. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly MetricSample[];
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

/** True for a name that a label of ours may carry: names that begin with `__` are Prometheus' own. */
export function isLabelName(name: string): boolean {
  return LABEL_NAME.test(name) && !name.startsWith('__');
}

/** The sample names that a family of this name and type occupies in the text format. */
export function sampleNames(name: string, type: MetricType): readonly string[] {
  return type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}
