import type { Engine } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { badData } from './parameters.ts';

/** `/api/v1/status/queries`: what runs now; POST `/api/v1/status/queries/cancel?id=` ends one. */
export function addRunningRoutes(app: FastifyInstance, engine: Engine): void {
  addApiRoute(app, {
    methods: ['GET'],
    path: '/status/queries',
    handler: (_parameters, reply) =>
      sendJson(
        reply,
        dataResponse(
          engine.running().map(({ id, query, startedMs, elapsedMs, state, samples }) => ({
            id,
            query,
            state,
            startedAt: new Date(startedMs).toISOString(),
            elapsedSeconds: Math.round(elapsedMs) / 1000,
            samples,
          })),
        ),
      ),
  });
  addApiRoute(app, {
    methods: ['POST'],
    path: '/status/queries/cancel',
    handler(parameters, reply) {
      const text = parameters.text('id');
      if (!/^\d{1,15}$/.test(text)) throw badData('id must be the number of a running query');
      if (!engine.cancel(Number(text))) throw badData(`no query ${text} is running`);
      return sendJson(reply, dataResponse({ id: Number(text) }));
    },
  });
}
