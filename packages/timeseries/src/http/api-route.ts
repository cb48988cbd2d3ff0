import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Parameters } from './parameters.ts';

export interface ApiRoute {
  readonly methods: readonly ('GET' | 'POST')[];
  /** Path below `/api/v1`. */
  readonly path: string;
  handler(parameters: Parameters, reply: FastifyReply, request: FastifyRequest): FastifyReply | Promise<FastifyReply>;
}

/** Adds a route of the API; as in Prometheus it answers OPTIONS, and not HEAD. */
export function addApiRoute(app: FastifyInstance, { methods, path, handler }: ApiRoute): void {
  app.route({
    // The hook in cors.ts answers OPTIONS on every path; here it makes the method known to 405 answers.
    method: [...methods, 'OPTIONS'],
    url: `/api/v1${path}`,
    exposeHeadRoute: false,
    handler: (request, reply) =>
      handler(new Parameters(request.url, request.method === 'POST' ? request.body : undefined), reply, request),
  });
}
