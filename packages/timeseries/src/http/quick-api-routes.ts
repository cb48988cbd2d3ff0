import type { Readable } from 'node:stream';
import type { QuickExchange, QuickRoute } from '@opendata/server';
import { answerBody } from './answer-body.ts';
import type { ApiReply, ApiRoute } from './api-route.ts';
import { originHeaders } from './cors.ts';
import { Parameters } from './parameters.ts';

/**
 * Plain GET of the same routes as `directRoutes`, past `node:http`, whose code costs several times as much as a small query
 * until V8 has compiled it. Requests that name an origin are not plain.
 */
export function quickApiRoutes(routes: readonly ApiRoute[]): QuickRoute[] {
  return routes.map(({ path, handler }) => ({
    method: 'GET',
    path: `/api/v1${path}`,
    headers: originHeaders(undefined),
    async handle({ query, acceptEncoding }, _body, exchange, parameter) {
      await handler(new Parameters(`?${query}`, undefined), new QuickReply(exchange, acceptEncoding), {
        name: parameter,
      });
    },
  }));
}

class QuickReply implements ApiReply {
  readonly raw: QuickExchange;
  readonly #acceptEncoding: string | undefined;
  #contentType = 'application/json';

  constructor(exchange: QuickExchange, acceptEncoding: string | undefined) {
    this.raw = exchange;
    this.#acceptEncoding = acceptEncoding;
  }

  type(contentType: string): this {
    this.#contentType = contentType;
    return this;
  }

  send(body: Buffer | Readable): this {
    answerBody(this.raw, body, this.#contentType, this.#acceptEncoding);
    return this;
  }
}
