export type { KeyInspection, KeySegment } from '../model.ts';
export type { LogBytes } from './bytes.ts';
export type { ClientOptions } from './client.ts';
export { type ConnectOptions, connectLog } from './connect.ts';
export { embeddedLog } from './embedded.ts';
export { isLogClientError, LogClientError, type LogClientErrorCode, type LogClientErrorDetails } from './errors.ts';
export type { HttpOptions } from './http-transport.ts';
export type {
  ClientAppendOptions,
  KeySelection,
  KeysOptions,
  LogClient,
  RangeOptions,
  ReadOptions,
  TailOptions,
  WatermarkOptions,
} from './log-client.ts';
export type { LogProducer, ProducerOptions, Ticket } from './producer.ts';
export type { ClientAppended, ClientHeader, ClientRecord, ClientSegment, ReadRecord, Watermark } from './records.ts';
