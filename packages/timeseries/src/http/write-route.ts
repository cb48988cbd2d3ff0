import type { Counter, RawRoute } from '@opendata/server';
import { HttpError } from '@opendata/server';
import type { TimeSeriesDb } from '../db.ts';
import type { RemoteWriteAck } from '../model/config.ts';

export interface WriteRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly ack: RemoteWriteAck;
  readonly bodyLimitBytes: number;
  readonly ingested: Counter;
  readonly failed: Counter;
}

/** `/api/v1/write`: remote write 1.0. */
export function writeRoute({ database, ack, bodyLimitBytes, ingested, failed }: WriteRouteOptions): RawRoute {
  return {
    method: 'POST',
    path: '/api/v1/write',
    bodyLimitBytes,
    async handle(request, body, response) {
      checkContentType(request.headers['content-type']);
      checkContentEncoding(request.headers['content-encoding']);
      const db = database();
      const refusedBefore = db.refusedSamples;
      let samples = 0;
      try {
        const written = db.remoteWrite(body);
        samples = written.samples;
        if (ack === 'durable') await db.committed(written.group);
      } catch (error) {
        failed.inc(samples > 0 ? samples : db.refusedSamples - refusedBefore);
        throw error;
      }
      ingested.inc(samples);
      response.writeHead(204);
      response.end();
    },
  };
}

/** Content types other than remote write 1.0's are 415, so that a sender of 2.0 falls back to it. */
function checkContentType(header: string | undefined): void {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/x-protobuf') {
    throw new HttpError(415, `expected content type application/x-protobuf, got ${JSON.stringify(type)}`);
  }
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim().toLowerCase() !== 'proto') continue;
    if (value.trim() === 'prometheus.WriteRequest') continue;
    throw new HttpError(
      415,
      `expected remote write 1.0 (proto=prometheus.WriteRequest), got ${JSON.stringify(parameter)}`,
    );
  }
}

function checkContentEncoding(header: string | undefined): void {
  // An absent header means snappy: the first senders did not set it.
  if (header === undefined || header.toLowerCase() === 'snappy') return;
  throw new HttpError(415, `expected content encoding snappy, got ${JSON.stringify(header)}`);
}
