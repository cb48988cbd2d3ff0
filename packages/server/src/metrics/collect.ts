import { isMetricName, type MetricFamily } from './family.ts';
import { collectedFamily, type RenderableFamily } from './renderable.ts';

/** Runs every collector; what one of them does wrong is reported and left out. */
export function collectFamilies(
  collectors: Iterable<() => readonly MetricFamily[]>,
  report: (message: string, error?: unknown) => void,
): RenderableFamily[] {
  const collected: RenderableFamily[] = [];
  for (const collect of collectors) {
    let families: readonly MetricFamily[];
    try {
      families = collect();
    } catch (error) {
      report('a metrics collector failed', error);
      continue;
    }
    for (const family of families) {
      if (isMetricName(family.name)) collected.push(collectedFamily(family));
      else report(`a metrics collector names a metric ${JSON.stringify(family.name)}, which is not a metric name`);
    }
  }
  return collected;
}
