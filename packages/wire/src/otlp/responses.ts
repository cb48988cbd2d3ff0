import { Buffer } from 'node:buffer';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  writeInt64Field,
  writeStringField,
  writtenBytes,
} from '../proto-writer.ts';

export type OtlpEncoding = 'protobuf' | 'json';

/** What an answer says of the points that were not taken. */
export interface OtlpRejection {
  readonly points: number;
  readonly message: string;
}

/** An ExportMetricsServiceResponse; without a rejection it is empty. */
export function encodeOtlpResponse(encoding: OtlpEncoding, rejection?: OtlpRejection): Uint8Array {
  if (encoding === 'json') {
    if (rejection === undefined) return Buffer.from('{}');
    const { points, message } = rejection;
    return Buffer.from(
      JSON.stringify({ partialSuccess: { rejectedDataPoints: String(points), errorMessage: message } }),
    );
  }
  const writer = createProtoWriter(64);
  if (rejection !== undefined) {
    const at = beginMessage(writer, 1);
    if (rejection.points > 0) writeInt64Field(writer, 1, rejection.points);
    writeStringField(writer, 2, rejection.message);
    endMessage(writer, at);
  }
  return writtenBytes(writer);
}

/** A google.rpc.Status: a code of gRPC and a text. */
export function encodeRpcStatus(encoding: OtlpEncoding, code: number, message: string): Uint8Array {
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }));
  const writer = createProtoWriter(64 + 2 * message.length);
  writeInt64Field(writer, 1, code);
  writeStringField(writer, 2, message);
  return writtenBytes(writer);
}
