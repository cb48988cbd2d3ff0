import { compareLabels, type Labels, type Matcher } from '@opendata/promql';
import type { Exemplar, ExemplarRing } from './exemplars.ts';
import type { Head } from './head.ts';
import { matchSeries } from './match-series.ts';

export interface ExemplarSeries {
  readonly labels: Labels;
  readonly exemplars: readonly Exemplar[];
}

/** Exemplars with times in the interval, of the series that match any of the sets, in the order of their labels. */
export async function headExemplars(
  head: Head,
  ring: ExemplarRing,
  matcherSets: readonly (readonly Matcher[])[],
  startMs: number,
  endMs: number,
): Promise<ExemplarSeries[]> {
  const kept = new Set(ring.series());
  const wanted = new Set<number>();
  const leave = head.reads.enter();
  try {
    for (const matchers of matcherSets) {
      for (const series of await matchSeries(head.series.index, head.series.limit, matchers)) {
        if (kept.has(series)) wanted.add(series);
      }
    }
  } finally {
    leave();
  }
  const found: ExemplarSeries[] = [];
  for (const series of wanted) {
    const exemplars = ring.between(series, startMs, endMs);
    if (exemplars.length > 0) found.push({ labels: head.series.labels(series), exemplars });
  }
  return found.sort((a, b) => compareLabels(a.labels, b.labels));
}
