import type { MetricFamily } from '@opendata/server';
import type { TimeSeriesDb } from './db.ts';

/** What the database says of itself at a scrape. */
export function databaseMetrics(db: TimeSeriesDb): MetricFamily[] {
  const { series, windows, samples, memoryBytes, seriesBytes, headBudgetBytes, appendedSamples } = db.stats();
  const gauge = (name: string, help: string, value: number): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: [{ labels: {}, value }],
  });
  return [
    {
      name: 'tsdb_samples_ingested_total',
      help: 'Samples accepted since the start, from every source.',
      type: 'counter',
      samples: [{ labels: {}, value: appendedSamples }],
    },
    gauge('tsdb_head_series', 'Series held in memory.', series),
    gauge('tsdb_head_samples', 'Samples held in memory.', samples),
    gauge('tsdb_head_windows', 'Time windows held in memory.', windows),
    gauge('tsdb_head_memory_bytes', 'Memory of series and samples.', memoryBytes),
    gauge('tsdb_head_memory_budget_bytes', 'Memory at which writes are refused.', headBudgetBytes),
    gauge('tsdb_head_series_bytes', 'Memory of series, their labels and the index over them.', seriesBytes),
  ];
}
