import type { IncomingMessage } from 'node:http';
import { type BodyMemory, type Counter, type ErrorRenderer, HttpError, type RawRoute } from '@opendata/server';
import { encodeOtlpResponse, encodeRpcStatus, type OtlpEncoding } from '@opendata/wire';
import type { TimeSeriesDb } from '../db.ts';
import type { RemoteWriteAck } from '../model/config.ts';
import type { OtlpReceiver } from '../otlp/receiver.ts';
import { withDecodedBody } from './request-body.ts';

export interface OtlpRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly receiver: OtlpReceiver;
  readonly ack: RemoteWriteAck;
  readonly bodyLimitBytes: number;
  /** For what is unpacked of compressed bodies. */
  readonly bodyMemory: BodyMemory;
  readonly ingested: Counter;
  readonly rejected: Counter;
}

/** Where OTLP's metrics are taken: Prometheus' path, and the one that exporters use by themselves. */
export const OTLP_PATHS = ['/api/v1/otlp/v1/metrics', '/v1/metrics'] as const;

const CONTENT_TYPES: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** What is parsed of JSON takes some ten times the memory of the body. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

export function otlpRoutes(options: OtlpRouteOptions): RawRoute[] {
  const { database, receiver, ack, bodyLimitBytes, bodyMemory, ingested, rejected } = options;
  return OTLP_PATHS.map((path) => ({
    method: 'POST',
    path,
    bodyLimitBytes,
    async handle(request, body, response) {
      const encoding = encodingOf(request);
      if (encoding === undefined) {
        throw new HttpError(
          415,
          `unsupported content type ${JSON.stringify(request.headers['content-type'] ?? '')}, supported: application/json, application/x-protobuf`,
        );
      }
      const db = database();
      const limitBytes = encoding === 'json' ? Math.min(bodyLimitBytes, MAX_JSON_BYTES) : bodyLimitBytes;
      const result = await withDecodedBody(body, request.headers, { limitBytes, memory: bodyMemory }, (message) => {
        if (message.length > limitBytes) throw new HttpError(413, `a body of JSON may have ${limitBytes} bytes`);
        return receiver.receive(db, message, encoding);
      });
      if (ack === 'durable' && result.group !== undefined) {
        await db.committed(result.group).catch((error: unknown) => {
          result.undoDeltas();
          throw error;
        });
      }
      ingested.inc(result.points - result.rejected);
      rejected.inc(result.rejected);
      const isPartial = result.message !== '';
      const answer = encodeOtlpResponse(
        encoding,
        isPartial ? { points: result.rejected, message: result.message } : undefined,
      );
      response.writeHead(200, { 'content-type': CONTENT_TYPES[encoding], 'content-length': answer.length });
      response.end(answer);
    },
  }));
}

/** `undefined` where the content type is none of OTLP's. */
function encodingOf(request: Pick<IncomingMessage, 'headers'> | undefined): OtlpEncoding | undefined {
  const type = (request?.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === CONTENT_TYPES.protobuf) return 'protobuf';
  return type === CONTENT_TYPES.json ? 'json' : undefined;
}

/** Codes of gRPC for statuses of HTTP. */
const RPC_CODES: ReadonlyMap<number, number> = new Map([
  [400, 3],
  [403, 7],
  [404, 5],
  [413, 8],
  [415, 3],
  [429, 8],
  [503, 14],
]);
const RPC_INTERNAL = 13;
const RPC_UNKNOWN = 2;

/** A google.rpc.Status in the request's encoding. */
export const renderOtlpError: ErrorRenderer = ({ status, message }, request) => {
  const encoding = encodingOf(request) ?? 'protobuf';
  const code = RPC_CODES.get(status) ?? (status >= 500 ? RPC_INTERNAL : RPC_UNKNOWN);
  const body = encodeRpcStatus(encoding, code, message);
  return { contentType: CONTENT_TYPES[encoding], body: Buffer.from(body) };
};
