import type { Counter, Gauge, Histogram } from './children.ts';
import type { MetricFamily, MetricSample, MetricType } from './family.ts';
import { type ExpositionFormat, escapeQuoted, formatBound, formatLabels, formatValue } from './text.ts';
import type { MetricVector } from './vector.ts';

/** A family that can write its sample lines; metadata and order are the renderer's. */
export interface RenderableFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Text of one child at a time: one line, or all the lines of a histogram. */
  lines(format: ExpositionFormat): Iterable<string>;
}

interface OwnFamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labelNames: readonly string[];
  readonly vector: MetricVector<Counter | Gauge | Histogram>;
  readonly bounds: Float64Array | undefined;
}

/** A family of the registry itself; the text before each value is made once for each child. */
export function ownFamily(options: OwnFamilyOptions): RenderableFamily {
  const { name, help, type, labelNames, vector, bounds } = options;
  const prefixes = new WeakMap<object, string>();

  function* simpleLines(): Iterable<string> {
    for (const { values, child } of vector.members()) {
      let prefix = prefixes.get(child);
      if (prefix === undefined) {
        prefix = `${name}${braced(formatLabels(labelNames, values))} `;
        prefixes.set(child, prefix);
      }
      yield `${prefix}${formatValue((child as Counter | Gauge).value)}\n`;
    }
  }

  function* histogramLines(format: ExpositionFormat): Iterable<string> {
    for (const { values, child } of vector.members()) {
      yield histogramText(name, formatLabels(labelNames, values), child as Histogram, bounds!, format);
    }
  }

  return { name, help, type, lines: type === 'histogram' ? histogramLines : simpleLines };
}

/** A family from a collector. */
export function collectedFamily(family: MetricFamily): RenderableFamily {
  function* lines(format: ExpositionFormat): Iterable<string> {
    for (const sample of family.samples) {
      const suffix = sample.suffix ?? '';
      yield `${family.name}${suffix}${braced(labelsOf(sample, format))} ${formatValue(sample.value)}\n`;
    }
  }
  return { name: family.name, help: family.help, type: family.type, lines };
}

function histogramText(
  name: string,
  labels: string,
  histogram: Histogram,
  bounds: Float64Array,
  format: ExpositionFormat,
): string {
  const before = labels === '' ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
  let text = '';
  let count = 0;
  for (let i = 0; i < bounds.length; i++) {
    count += histogram.counts[i]!;
    text += `${before}${formatBound(bounds[i]!, format)}"} ${count}\n`;
  }
  count += histogram.counts[bounds.length]!;
  text += `${before}+Inf"} ${count}\n`;
  text += `${name}_sum${braced(labels)} ${formatValue(histogram.sum)}\n`;
  return `${text}${name}_count${braced(labels)} ${count}\n`;
}

function labelsOf(sample: MetricSample, format: ExpositionFormat): string {
  let text = '';
  for (const [label, value] of Object.entries(sample.labels)) {
    const written = label === 'le' && sample.suffix === '_bucket' ? normalBound(value, format) : escapeQuoted(value);
    text += `${text === '' ? '' : ','}${label}="${written}"`;
  }
  return text;
}

function normalBound(bound: string, format: ExpositionFormat): string {
  return formatBound(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), format);
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}
