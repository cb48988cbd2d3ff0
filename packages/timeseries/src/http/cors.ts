import type { FastifyInstance } from 'fastify';

const HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-expose-headers': 'Date',
};

/** What every answer of the API says about caches and other origins. */
export function originHeaders(origin: string | undefined): Record<string, string> {
  const vary = { vary: 'Accept-Encoding, Origin' };
  return origin === undefined ? vary : { ...vary, ...HEADERS, 'access-control-allow-origin': origin };
}

/** Lets pages of other origins use the API, as Prometheus does: any OPTIONS request is answered. */
export function addCors(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.url.startsWith('/api/v1/')) return done();
    reply.headers(originHeaders(request.headers.origin));
    if (request.method === 'OPTIONS') reply.code(204).send();
    else done();
  });
}
