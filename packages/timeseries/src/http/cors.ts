import type { FastifyInstance } from 'fastify';

const HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-expose-headers': 'Date',
};

/** Lets pages of other origins use the API, as Prometheus does: any OPTIONS request is answered. */
export function addCors(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.url.startsWith('/api/v1/')) return done();
    const { origin } = request.headers;
    reply.header('vary', 'Accept-Encoding, Origin');
    if (origin !== undefined) reply.headers({ ...HEADERS, 'access-control-allow-origin': origin });
    if (request.method === 'OPTIONS') reply.code(204).send();
    else done();
  });
}
