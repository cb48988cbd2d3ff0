import { pipeline, type Readable } from 'node:stream';
import type { QuickExchange, QuickRoute } from '@opendata/server';
import type { ApiReply, ApiRoute } from './api-route.ts';
import { acceptedEncoding, compressBody, createCompressor } from './compression.ts';
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
    const { raw } = this;
    const encoding = acceptedEncoding(this.#acceptEncoding);
    const plain = { 'content-type': this.#contentType };
    if (encoding === undefined) {
      if (Buffer.isBuffer(body)) raw.answerBytes(body, plain);
      else pipeline(body, raw.answerStream(plain), ignored);
      return this;
    }
    const compressed = { ...plain, 'content-encoding': encoding };
    if (Buffer.isBuffer(body)) {
      compressBody(body, encoding, (error, bytes) => {
        if (error !== null) raw.destroy();
        else if (bytes === undefined) raw.answerBytes(body, plain);
        else raw.answerBytes(bytes, compressed);
      });
    } else pipeline(body, createCompressor(encoding), raw.answerStream(compressed), ignored);
    return this;
  }
}

/** An error of either end destroys both, and so breaks the connection off. */
function ignored(): void {}
