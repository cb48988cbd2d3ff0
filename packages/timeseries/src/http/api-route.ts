import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { QuickExchange } from '@opendata/server';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Parameters } from './parameters.ts';

/** What a handler answers with: a part of Fastify's reply, so that neither it nor `node:http` need be in between. */
export interface ApiReply {
  readonly raw: ServerResponse | QuickExchange;
  type(contentType: string): ApiReply;
  send(body: Buffer | Readable): ApiReply;
}

export interface ApiRoute<Reply extends ApiReply = ApiReply> {
  readonly methods: readonly ('GET' | 'POST')[];
  /** Path below `/api/v1`. */
  readonly path: string;
  /** @param pathParameters what the path has at its `:name`s */
  handler(
    parameters: Parameters,
    reply: Reply,
    pathParameters: Readonly<Record<string, string>>,
  ): ApiReply | Promise<ApiReply>;
}

/** Bodies of other types, or of none, are not read, as in Prometheus. */
const FORM = /^application\/x-www-form-urlencoded(?:\s*;|$)/i;

/** Adds a route of the API; as in Prometheus it answers OPTIONS, and not HEAD. */
export function addApiRoute(app: FastifyInstance, { methods, path, handler }: ApiRoute<FastifyReply>): void {
  app.route({
    // The hook in cors.ts answers OPTIONS on every path; here it makes the method known to 405 answers.
    method: [...methods, 'OPTIONS'],
    url: `/api/v1${path}`,
    exposeHeadRoute: false,
    config: { body: 'raw' },
    handler: (request, reply) => {
      const isForm = request.method === 'POST' && FORM.test(request.headers['content-type'] ?? '');
      const form = isForm ? (request.body as Buffer | undefined)?.toString('utf8') : undefined;
      const parameters = new Parameters(request.url, form);
      return handler(parameters, reply, request.params as Record<string, string>);
    },
  });
}
