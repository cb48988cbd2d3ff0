import type { FastifyInstance } from 'fastify';
import type { TimeSeriesDb } from '../db.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { badData, Parameters } from './parameters.ts';

/**
 * `POST /-/flush` makes everything durable, seals the windows whose end is past and merges blocks; `?all=true` seals
 * windows that still get samples as well. It answers when that is done.
 */
export function addAdminRoutes(app: FastifyInstance, database: () => TimeSeriesDb): void {
  app.post('/-/flush', async (request, reply) => {
    const all = new Parameters(request.url, request.body).text('all');
    if (!['', 'true', 'false'].includes(all)) throw badData(`parameter "all" must be true or false, not "${all}"`);
    const db = database();
    await db.flush();
    return sendJson(reply, dataResponse(await db.seal(all === 'true' ? 'all' : 'complete')));
  });
}
