import { HttpError, type RawRoute } from '@opendata/server';
import type { FastifyInstance } from 'fastify';
import { OTLP_PATHS } from './otlp-route.ts';

const refuse = (): never => {
  throw new HttpError(403, 'this server is read-only: send writes to the server that writes the database', {
    code: 'read_only',
  });
};

/** What a replica answers to whoever wants to write, before it reads the body. */
export const refusedWrites: readonly RawRoute[] = ['/api/v1/write', ...OTLP_PATHS, '/api/v1/import/openmetrics'].map(
  (path) => ({ method: 'POST', path, streamsBody: true, handle: refuse }),
);

/** The same for `POST /-/flush`. */
export function addRefusedFlush(app: FastifyInstance): void {
  app.post('/-/flush', { config: { body: 'raw' } }, refuse);
}
