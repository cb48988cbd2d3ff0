import { checkBuckets, checkNames } from './check.ts';
import { Counter, Gauge, Histogram } from './children.ts';
import { collectFamilies } from './collect.ts';
import { type MetricFamily, type MetricType, sampleNames } from './family.ts';
import { renderFamilies } from './render.ts';
import { ownFamily, type RenderableFamily } from './renderable.ts';
import type { ExpositionFormat } from './text.ts';
import { MetricVector } from './vector.ts';

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
}

export interface HistogramOptions extends MetricOptions {
  /** Ascending upper bounds; +Inf is added. */
  readonly buckets: readonly number[];
}

interface Labelled<Names extends readonly string[]> {
  readonly labelNames: Names;
}

export type Collector = () => readonly MetricFamily[];

export interface RegistryOptions {
  /** Told about a collector that throws or hands over a family that cannot be exposed; the rest is still rendered. */
  readonly onCollectError?: (message: string, error?: unknown) => void;
}

/** The metrics of one process. */
export interface Registry {
  counter(options: MetricOptions): Counter;
  counter<const Names extends readonly string[]>(
    options: MetricOptions & Labelled<Names>,
  ): MetricVector<Counter, Names>;
  gauge(options: MetricOptions): Gauge;
  gauge<const Names extends readonly string[]>(options: MetricOptions & Labelled<Names>): MetricVector<Gauge, Names>;
  histogram(options: HistogramOptions): Histogram;
  histogram<const Names extends readonly string[]>(
    options: HistogramOptions & Labelled<Names>,
  ): MetricVector<Histogram, Names>;
  /** Adds metrics that live elsewhere: called at every scrape, merged by name with the rest. Returns the way to remove it. */
  addCollector(collect: Collector): () => void;
  /** The whole exposition at once. */
  render(format?: ExpositionFormat): string;
  /** The exposition in pieces of about a thousand samples, so that a caller can yield to the event loop in between. */
  renderParts(format: ExpositionFormat): Iterable<string>;
}

/** @throws TypeError from the metric factories: a bad or taken name, bad labels, buckets out of order */
export function createRegistry(options: RegistryOptions = {}): Registry {
  const families: RenderableFamily[] = [];
  const takenNames = new Set<string>();
  const collectors = new Set<Collector>();
  const report = options.onCollectError ?? (() => {});

  function register<Child extends Counter | Gauge | Histogram>(
    { name, help, labelNames }: MetricOptions & Partial<Labelled<readonly string[]>>,
    type: MetricType,
    create: () => Child,
    bounds?: Float64Array,
  ): Child | MetricVector<Child> {
    checkNames(name, type, labelNames ?? [], takenNames);
    for (const taken of sampleNames(name, type)) takenNames.add(taken);
    const vector = new MetricVector(labelNames ?? [], create);
    families.push(ownFamily({ name, help, type, labelNames: labelNames ?? [], vector, bounds }));
    return labelNames === undefined ? vector.labels() : vector;
  }

  function collect(): RenderableFamily[] {
    return [...families, ...collectFamilies(collectors, report)];
  }

  const registry = {
    counter: (counter: MetricOptions) => register(counter, 'counter', () => new Counter()),
    gauge: (gauge: MetricOptions) => register(gauge, 'gauge', () => new Gauge()),
    histogram: (histogram: HistogramOptions) => {
      const bounds = checkBuckets(histogram);
      return register(histogram, 'histogram', () => new Histogram(bounds), bounds);
    },
    addCollector(collector: Collector) {
      collectors.add(collector);
      return () => void collectors.delete(collector);
    },
    render: (format: ExpositionFormat = 'text') => [...renderFamilies(collect(), format, report)].join(''),
    renderParts: (format: ExpositionFormat) => renderFamilies(collect(), format, report),
  };
  return registry as Registry;
}
