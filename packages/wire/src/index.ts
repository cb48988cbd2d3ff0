export { isWireError, WireError, type WireErrorCode } from './errors.ts';
export {
  type ExpositionFormat,
  expositionFormatOf,
  SCRAPE_PROTOCOLS,
  type ScrapeProtocol,
  scrapeAccept,
} from './exposition/format.ts';
export { type ImportedLines, type LineFault, parseImportLines } from './exposition/import-lines.ts';
export { beginExposition, parseExposition } from './exposition/parse.ts';
export type { ProtobufOptions } from './exposition/protobuf.ts';
export type {
  ExpositionExemplar,
  ExpositionHistogram,
  ExpositionParse,
  ExpositionSamples,
} from './exposition/samples.ts';
export type { AppendColumns } from './log-append-columns.ts';
export { encodeAppendRequest } from './log-append-encode.ts';
export {
  type AppendRequest,
  addAppendFrame,
  createAppendDecoder,
  createFrameColumns,
  decodeAppendRequest,
  type FrameColumns,
  type FrameLimits,
  finishFrames,
} from './log-append-request.ts';
export {
  type AttributeBuilder,
  type AttributeColumn,
  addAttributes,
  createAttributeBuilder,
  decodeAttributes,
  finishAttributes,
  type LogAttributes,
  type LogHeader,
} from './log-attributes.ts';
export { LOG_CONTENT_TYPES, type LogFormat, logRequestFormat, logResponseFormat } from './log-format.ts';
export { type LogRecords, logRecordAt, type WireLogRecord } from './log-records.ts';
export {
  appendResponseText,
  encodeAppendResponse,
  encodeCountResponse,
  encodeErrorResponse,
  encodeKeysResponse,
  encodeScanResponse,
  encodeScanResponseParts,
  encodeSegmentsResponse,
  type ScanColumns,
  type SegmentRow,
} from './log-responses.ts';
export {
  type AppendResponse,
  decodeAppendResponse,
  decodeCountResponse,
  decodeErrorResponse,
  decodeKeysResponse,
  decodeScanResponse,
  decodeSegmentsResponse,
} from './log-responses-decode.ts';
export type { ScanResponse } from './log-scan-decode.ts';
export { encodeRecordEvents } from './log-scan-json.ts';
export type { ScanParts } from './log-scan-protobuf.ts';
export {
  decodeSessionAck,
  encodeAppendFrame,
  encodeSessionAcks,
  FrameReader,
  LOG_SESSION_CONTENT_TYPE,
  type SessionAck,
} from './log-session.ts';
export { decodeOtlpMetrics } from './otlp/decode.ts';
export type {
  OtlpAttributes,
  OtlpBuckets,
  OtlpExemplar,
  OtlpExponentialPoint,
  OtlpHistogramPoint,
  OtlpMetric,
  OtlpNumberPoint,
  OtlpPart,
  OtlpPoint,
  OtlpResource,
  OtlpScope,
  OtlpSummaryPoint,
  OtlpTemporality,
} from './otlp/model.ts';
export { encodeOtlpResponse, encodeRpcStatus, type OtlpEncoding, type OtlpRejection } from './otlp/responses.ts';
export type { HistogramSpan } from './proto-buckets.ts';
export {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBool,
  readBytes,
  readDouble,
  readInt64,
  readSint32,
  readSint64,
  readString,
  readUint32,
  readUint64,
  skipField,
} from './proto-reader.ts';
export {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeBytesField,
  writeDoubleField,
  writeInt64Field,
  writeSint64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from './proto-writer.ts';
export {
  createWriteRequestDecoder,
  type FamilyMetadata,
  METRIC_TYPES,
  type MetricType,
  type WriteRequestColumns,
  type WriteRequestLimits,
} from './remote-write.ts';
export {
  createWriteRequest2Decoder,
  createWriteRequest2Reader,
  type WriteRequest2Columns,
  type WriteRequest2Limits,
  type WriteRequest2Reading,
} from './remote-write-2.ts';
export { encodeWriteRequest2, type WriteRequest2Series } from './remote-write-2-encode.ts';
export { type MutableColumns, reserveSamples, reserveSeries } from './remote-write-columns.ts';
export {
  encodeWriteRequest,
  STALE_NAN_BITS,
  type WriteRequest,
  type WriteRequestSample,
  type WriteRequestSeries,
} from './remote-write-encode.ts';
export {
  decodeExemplar,
  decodeHistogram,
  type HistogramSample,
  type WireExemplar,
  type WireHistogram,
} from './remote-write-histogram.ts';
export { decodeLabels } from './remote-write-labels.ts';
export type { SeriesShortcut } from './remote-write-scan.ts';
export { createSnappyUncompressor, snappyCompress, snappyUncompress } from './snappy.ts';
export type { KernelMemory, KernelPlace } from './snappy-wasm.ts';
