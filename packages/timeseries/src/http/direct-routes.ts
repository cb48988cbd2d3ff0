import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { RawRoute } from '@opendata/server';
import type { ApiReply, ApiRoute } from './api-route.ts';
import { acceptedEncoding, compressBody, createCompressor } from './compression.ts';
import { originHeaders } from './cors.ts';
import { Parameters } from './parameters.ts';

/**
 * GET of routes that dashboards ask all the time, answered before the framework, which costs as much as a small query.
 * Handlers and answers are the same; everything but GET is still the framework's. A parameter in a path is a `:name`.
 */
export function directRoutes(routes: readonly ApiRoute[]): RawRoute[] {
  return routes.map(({ path, handler }) => ({
    method: 'GET',
    path: `/api/v1${path}`,
    async handle(request, _body, response, parameter) {
      try {
        await handler(new Parameters(request.url!, undefined), new DirectReply(request, response), { name: parameter });
      } catch (error) {
        if (!response.headersSent) {
          for (const [name, value] of Object.entries(originHeaders(request.headers.origin))) {
            response.setHeader(name, value);
          }
        }
        throw error;
      }
    },
  }));
}

class DirectReply implements ApiReply {
  readonly raw: ServerResponse;
  readonly #request: IncomingMessage;
  #contentType = 'application/json';

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.raw = response;
    this.#request = request;
  }

  type(contentType: string): this {
    this.#contentType = contentType;
    return this;
  }

  send(body: Buffer | Readable): this {
    const encoding = acceptedEncoding(this.#request.headers['accept-encoding']);
    if (!Buffer.isBuffer(body)) {
      // An error of either end destroys both, and so breaks the connection off.
      const ignored = () => undefined;
      this.raw.writeHead(200, this.#headers(encoding));
      if (encoding === undefined) pipeline(body, this.raw, ignored);
      else pipeline(body, createCompressor(encoding), this.raw, ignored);
    } else if (encoding === undefined) this.#end(body, undefined);
    else {
      compressBody(body, encoding, (error, bytes) => {
        if (error !== null) this.raw.destroy(error);
        else if (bytes === undefined) this.#end(body, undefined);
        else this.#end(bytes, encoding);
      });
    }
    return this;
  }

  #end(body: Buffer, encoding: string | undefined): void {
    const headers = this.#headers(encoding);
    headers['content-length'] = String(body.length);
    this.raw.writeHead(200, headers).end(body);
  }

  #headers(encoding: string | undefined): Record<string, string> {
    const headers = originHeaders(this.#request.headers.origin);
    headers['content-type'] = this.#contentType;
    if (encoding !== undefined) headers['content-encoding'] = encoding;
    return headers;
  }
}
