export type { AttributeColumn, LogAttributes, LogHeader } from '@opendata/wire';
export { columnsOf } from './append-columns.ts';
export {
  type AppendOptions,
  type LogDb,
  type LogOptions,
  type LogReader,
  type LogStats,
  logDefaults,
  type ScanOptions,
} from './db.ts';
export { isLogError, LogError, type LogErrorCode } from './errors.ts';
export type { WaitOptions } from './followers.ts';
export { maxKeyBytes } from './key-bytes.ts';
export {
  type LogUnion,
  type OfLog,
  openLogReaders,
  type UnionPositions,
  type UnionReadOptions,
} from './log-union.ts';
export type { Logger } from './logger.ts';
export type {
  AppendColumns,
  AppendRecord,
  KeyedRecord,
  KeyInspection,
  KeySegment,
  LogRecord,
  LogSegment,
  SequenceRange,
} from './model.ts';
export { openLog, openLogOn } from './open-log.ts';
export type { FollowSelectedOptions, ReadOptions, SelectedPageOptions, TailOptions } from './ordered-reader.ts';
export {
  type FollowPageOptions,
  type KeyListOptions,
  maxPageBytes,
  maxPageRecords,
  maxReversePageRecords,
  type PageOptions,
  type ReadPageOptions,
} from './reader.ts';
export { openLogReader, type ReplicaLogOptions } from './replica-log.ts';
export type { ScanPage } from './scan-page.ts';
export type { LogSelection } from './selection.ts';
export type { Appended } from './writer.ts';
