import { type Labels, labelValue, METRIC_NAME } from '../labels.ts';
import { createMemorySource } from '../promqltest/memory-source.ts';
import { parseSeries } from '../promqltest/parse-series.ts';
import type { SeriesSource } from '../source.ts';
import { createEngine, type Engine, type EngineOptions, type QueryResult } from './engine.ts';
import { formatFloat } from './format.ts';

/** Series in the notation of the test language, a sample a minute from time 0. */
export function sourceOf(...lines: string[]): SeriesSource {
  const source = createMemorySource();
  source.load(
    lines.map((line, i) => parseSeries(line, i + 1)),
    60_000,
    false,
  );
  return source;
}

export function engineOf(options: EngineOptions = {}): Engine {
  return createEngine(options);
}

/** A result as lines: `labels value`, a matrix with `time=value` for each sample. */
export function show(result: QueryResult): string[] {
  switch (result.type) {
    case 'scalar':
      return [formatFloat(result.value)];
    case 'string':
      return [result.value];
    case 'vector':
      return result.value.map(({ labels, value }) => `${showLabels(labels)} ${formatFloat(value)}`);
    case 'matrix':
      return result.value.map(({ labels, timestamps, values }) => {
        const samples = Array.from(timestamps, (time, i) => `${time / 60_000}=${formatFloat(values[i]!)}`);
        return `${showLabels(labels)} ${samples.join(' ')}`;
      });
  }
}

const MINUTE_MS = 60_000;

/** An instant query at a minute. */
export async function at(source: SeriesSource, query: string, minute: number): Promise<string[]> {
  return show(await createEngine().instant(source, query, minute * MINUTE_MS));
}

/** A range query from minute to minute, a step a minute. */
export async function over(source: SeriesSource, query: string, from: number, to: number): Promise<string[]> {
  return show(await createEngine().range(source, query, from * MINUTE_MS, to * MINUTE_MS, MINUTE_MS));
}

/** `name{a="b"}`, as in scripts of promqltest. */
function showLabels(labels: Labels): string {
  const name = labelValue(labels, METRIC_NAME);
  const others: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] !== METRIC_NAME) others.push(`${labels[i]}=${JSON.stringify(labels[i + 1])}`);
  }
  return others.length === 0 && name !== '' ? name : `${name}{${others.join(', ')}}`;
}
