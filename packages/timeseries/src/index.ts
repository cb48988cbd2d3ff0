export { DEFAULT_WINDOW_MS, TimeSeriesDb, type TimeSeriesDbOptions, type TimeSeriesDbStats } from './db.ts';
export { InvalidSampleError, InvalidSeriesError, OverloadedError } from './head/errors.ts';
export { encodeLabels } from './head/label-bytes.ts';
export type { LabelRequest } from './head/label-queries.ts';
export type { SampleColumns } from './ingest/head-writer.ts';
export type { RemoteWriteResult } from './ingest/remote-write.ts';
export { JournalEntryError } from './journal-entries/format.ts';
export type { MetricMetadata } from './metadata-table.ts';
