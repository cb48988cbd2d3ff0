import { HttpError, type RawRoute } from '@opendata/server';
import type { FastifyInstance } from 'fastify';
import { OTLP_PATHS } from './otlp-route.ts';

const MESSAGE = 'this server is read-only: send writes to the server that writes the database';
const RETRY_AFTER_SECONDS = 30;

const refuse = (): never => {
  throw new HttpError(403, MESSAGE, { code: 'read_only' });
};

/**
 * Senders of remote write and OTLP throw away what is answered 4xx, and keep and send again what is answered 503: so
 * nothing is lost until somebody corrects where they send to.
 */
const putOff = (): never => {
  throw new HttpError(503, MESSAGE, { code: 'read_only', retryAfterSeconds: RETRY_AFTER_SECONDS });
};

/** What a replica answers to whoever wants to write, before it reads the body. */
export const refusedWrites: readonly RawRoute[] = [
  ...['/api/v1/write', ...OTLP_PATHS].map((path) => refusing(path, putOff)),
  refusing('/api/v1/import/openmetrics', refuse),
];

/** The same for `POST /-/flush`. */
export function addRefusedFlush(app: FastifyInstance): void {
  app.post('/-/flush', { config: { body: 'raw' } }, refuse);
}

function refusing(path: string, handle: () => never): RawRoute {
  return { method: 'POST', path, streamsBody: true, handle };
}
