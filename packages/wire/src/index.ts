export { isWireError, WireError, type WireErrorCode } from './errors.ts';
export {
  createWriteRequestDecoder,
  type FamilyMetadata,
  METRIC_TYPES,
  type MetricType,
  type WriteRequestColumns,
  type WriteRequestLimits,
} from './remote-write.ts';
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
  type HistogramSpan,
  type WireExemplar,
  type WireHistogram,
} from './remote-write-histogram.ts';
export { decodeLabels } from './remote-write-labels.ts';
export { snappyCompress, snappyUncompress } from './snappy.ts';
