import { decodeJson } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import type { OtlpPart } from './model.ts';
import type { OtlpEncoding } from './responses.ts';

/**
 * The metrics of an ExportMetricsServiceRequest, decoded part by part as they are asked for; `undefined` in between is
 * none, for those who give others a turn.
 * @throws WireError malformed, unsupported, too_large: while parts are asked for
 */
export function decodeOtlpMetrics(
  body: Uint8Array,
  encoding: OtlpEncoding,
): Generator<OtlpPart | undefined, void, void> {
  return encoding === 'json' ? decodeJson(body) : decodeProtobuf(body);
}
