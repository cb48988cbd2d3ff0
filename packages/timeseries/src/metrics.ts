import type { MetricFamily } from '@opendata/server';
import type { IngestStats } from './ingest/ingest-times.ts';
import type { OtlpReceiver } from './otlp/receiver.ts';
import type { TimeSeriesReading } from './read/reading.ts';

/** What the database says of itself at a scrape. */
export function databaseMetrics(db: TimeSeriesReading): MetricFamily[] {
  const { series, windows, samples, memoryBytes, seriesBytes, headBudgetBytes, appendedSamples, ...sealed } =
    db.stats();
  const { blocks, blockBytes, blockSamples, sealing, ingest } = sealed;
  const gauge = (name: string, help: string, value: number): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: [{ labels: {}, value }],
  });
  const counter = (name: string, help: string, value: number): MetricFamily => ({
    ...gauge(name, help, value),
    type: 'counter',
  });
  return [
    counter('tsdb_samples_ingested_total', 'Samples accepted since the start, from every source.', appendedSamples),
    gauge('tsdb_head_series', 'Series held in memory.', series),
    gauge(
      'tsdb_head_active_series',
      'Series with a sample of the last ten minutes, as of the last minute.',
      sealed.activeSeries,
    ),
    counter('tsdb_head_series_created_total', 'Series that came into memory since the start.', sealed.createdSeries),
    counter(
      'tsdb_head_series_removed_total',
      'Series without samples in memory that were forgotten since the start.',
      sealed.forgottenSeries,
    ),
    gauge('tsdb_head_samples', 'Samples held in memory.', samples),
    gauge('tsdb_head_windows', 'Time windows held in memory.', windows),
    gauge('tsdb_head_memory_bytes', 'Memory of series and samples.', memoryBytes),
    gauge('tsdb_head_memory_budget_bytes', 'Memory at which writes are refused.', headBudgetBytes),
    gauge('tsdb_head_series_bytes', 'Memory of series, their labels and the index over them.', seriesBytes),
    gauge('tsdb_blocks', 'Sealed blocks.', blocks),
    gauge('tsdb_block_bytes', 'Bytes of sealed blocks, their indexes included.', blockBytes),
    gauge(
      'tsdb_decoded_cache_bytes',
      'Memory of pages of blocks, and of columns of values, that are kept decoded.',
      sealed.decodedCacheBytes,
    ),
    gauge('tsdb_block_samples', 'Samples in sealed blocks.', blockSamples),
    gauge(
      'tsdb_block_bytes_per_sample',
      'Bytes of sealed blocks for each of their samples.',
      blockSamples === 0 ? 0 : blockBytes / blockSamples,
    ),
    counter('tsdb_seals_total', 'Blocks written from memory since the start.', sealing.seals),
    counter(
      'tsdb_sealed_samples_total',
      'Samples written to blocks from memory since the start.',
      sealing.sealedSamples,
    ),
    counter('tsdb_seal_duration_seconds_total', 'Time that sealing took since the start.', sealing.sealSeconds),
    counter('tsdb_merges_total', 'Blocks written from other blocks since the start.', sealing.merges),
    counter('tsdb_merge_duration_seconds_total', 'Time that merging took since the start.', sealing.mergeSeconds),
    counter('tsdb_seal_failures_total', 'Attempts to seal or merge that failed since the start.', sealing.failures),
    gauge(
      'tsdb_head_bytes_per_series',
      'Memory of a series, its labels and its part of the index.',
      series === 0 ? 0 : seriesBytes / series,
    ),
    gauge(
      'tsdb_head_bytes_per_sample',
      'Memory of a sample, without what its series takes.',
      samples === 0 ? 0 : (memoryBytes - seriesBytes) / samples,
    ),
    ...(ingest === undefined ? [] : ingestMetrics(ingest)),
  ];
}

/** Where writes spend their time. */
function ingestMetrics(stats: IngestStats): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    label: string,
    values: Readonly<Record<string, number>>,
  ): MetricFamily => ({
    name,
    help,
    type: 'counter',
    samples: Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value })),
  });
  return [
    family(
      'tsdb_ingest_duration_seconds_total',
      'Time of writes by stage: reading a remote-write request, finding its series, the journal entry, the head; and waiting for the commit.',
      'stage',
      stats.seconds,
    ),
    family(
      'tsdb_ingest_bytes_total',
      'Bytes of remote-write requests as received and as read, and of journal entries from every source.',
      'form',
      { received: stats.receivedBytes, decoded: stats.decodedBytes, journal: stats.journalBytes },
    ),
    {
      name: 'tsdb_ingest_requests_total',
      help: 'Remote-write requests that could be read.',
      type: 'counter',
      samples: [{ labels: {}, value: stats.requests }],
    },
  ];
}

/** What the receiver of OTLP says of itself at a scrape. */
export function otlpMetrics(receiver: OtlpReceiver): MetricFamily[] {
  return [
    {
      name: 'otlp_delta_series',
      help: 'Series with delta temporality whose totals are held in memory.',
      type: 'gauge',
      samples: [{ labels: {}, value: receiver.deltaSeries }],
    },
  ];
}
