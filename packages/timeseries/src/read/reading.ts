import type { TimeSeriesReads } from './time-series-reads.ts';

/** What can be asked of a database, of a replica and of several replicas together. */
export type TimeSeriesReading = Pick<
  TimeSeriesReads,
  | 'metadata'
  | 'select'
  | 'series'
  | 'labelNames'
  | 'labelValues'
  | 'exemplars'
  | 'cardinality'
  | 'newestBlockCardinality'
  | 'headTimes'
  | 'stats'
>;
