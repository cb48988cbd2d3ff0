import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpError } from '@opendata/server';
import type { FastifyInstance } from 'fastify';
import type { TimeSeriesDb } from '../db.ts';
import { importOpenMetrics } from '../import/importer.ts';
import { LineTooLongError } from '../import/lines.ts';
import { jsonText } from './json-text.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { badData } from './parameters.ts';

/** `POST /api/v1/import/openmetrics`: samples of any age, as many as one likes; the body is read as it arrives. */
export async function addImportRoutes(app: FastifyInstance, database: () => TimeSeriesDb): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The handler reads the body itself.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post('/api/v1/import/openmetrics', async (request, reply) => {
      const db = database();
      const result = await importOpenMetrics(db, uncompressed(request.raw, request.headers['content-encoding']), {
        now: Date.now,
      }).catch((error: unknown) => {
        // The rest of the body is of no use; nobody waits for all of it.
        request.raw.resume();
        reply.header('connection', 'close');
        if (error instanceof LineTooLongError) throw badData(error.message);
        if (isZlibError(error)) throw badData('the body is not valid gzip');
        throw error;
      });
      const { lines, samples, rejected, faults } = result;
      const data = { samples, rejected, lines, errors: faults.map(({ line, message }) => ({ line, error: message })) };
      if (samples > 0 || rejected === 0) return sendJson(reply, dataResponse(data));
      const error = `no sample was accepted; line ${faults[0]?.line}: ${faults[0]?.message}`;
      return reply
        .code(400)
        .type('application/json')
        .send(jsonText({ status: 'error', errorType: 'bad_data', error, data }));
    });
  });
}

function uncompressed(body: Readable, encoding = 'identity'): AsyncIterable<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  // Destroyed, the request could not be answered any more.
  if (name === 'identity') return body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  if (name !== 'gzip') throw new HttpError(415, `unsupported compression ${encoding}, supported: gzip`);
  const gunzip = createGunzip();
  body.once('error', (error) => gunzip.destroy(error));
  body.once('aborted', () => gunzip.destroy(new HttpError(400, 'the request body ended early')));
  return body.pipe(gunzip);
}

function isZlibError(error: unknown): boolean {
  return /^Z_/.test(String((error as { code?: unknown } | null)?.code));
}
