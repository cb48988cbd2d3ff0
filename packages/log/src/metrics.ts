import type { MetricFamily } from '@opendata/server';
import type { LogDb } from './db.ts';

type Row = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number];

/** What `/metrics` shows of a log. */
export function logMetrics(db: LogDb): MetricFamily[] {
  const stats = db.stats();
  const rows: Row[] = [
    ['log_append_records_total', 'counter', 'Records appended', stats.appendedRecords],
    ['log_append_bytes_total', 'counter', 'Bytes of keys and values appended', stats.appendedBytes],
    ['log_records_scanned_total', 'counter', 'Records read by scans', stats.scannedRecords],
    ['log_bytes_scanned_total', 'counter', 'Bytes of values read by scans', stats.scannedBytes],
    ['log_first_sequence', 'gauge', 'First sequence that has not expired', stats.firstSequence],
    ['log_next_sequence', 'gauge', 'Sequence that the next record gets', stats.nextSequence],
    ['log_durable_sequence', 'gauge', 'Every record before this sequence is durable', stats.durableSequence],
    [
      'log_durable_lag_records',
      'gauge',
      'Records that are not durable yet',
      stats.nextSequence - stats.durableSequence,
    ],
    ['log_segments', 'gauge', 'Segments that are complete and stored', stats.sealedSegments],
    ['log_segments_waiting', 'gauge', 'Segments that are complete but not stored yet', stats.waitingSegments],
    ['log_seal_failures_total', 'counter', 'Attempts to store a segment that failed', stats.sealFailures],
    ['log_merged_segments_total', 'counter', 'Stored segments that were merged into others', stats.mergedSegments],
    ['log_segment_bytes', 'gauge', 'Bytes of the segments that are stored', stats.sealedBytes],
    ['log_oldest_record_age_seconds', 'gauge', 'Age of the first record that is there', stats.oldestAgeMs / 1000],
    ['log_expired_segments_total', 'counter', 'Segments removed by the retention', stats.expiredSegments],
    ['log_retention_failures_total', 'counter', 'Attempts to remove segments that failed', stats.retentionFailures],
    ['log_active_keys', 'gauge', 'Distinct keys of the active segment', stats.activeKeys],
    ['log_head_bytes', 'gauge', 'Memory of the segments that are not stored yet', stats.headBytes],
    ['log_followers', 'gauge', 'Followers that wait for a record', stats.followers],
  ];
  return rows.map(([name, type, help, value]) => ({ name, type, help, samples: [{ labels: {}, value }] }));
}
