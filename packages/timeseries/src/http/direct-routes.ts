import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { RawRoute } from '@opendata/server';
import { type AnswerSink, answerBody } from './answer-body.ts';
import type { ApiReply, ApiRoute } from './api-route.ts';
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
    const { raw } = this;
    const { origin, 'accept-encoding': acceptEncoding } = this.#request.headers;
    const originated = originHeaders(origin);
    const sink: AnswerSink = {
      answerBytes: (bytes, headers) => {
        raw.writeHead(200, { ...originated, ...headers, 'content-length': String(bytes.length) }).end(bytes);
      },
      answerStream: (headers) => raw.writeHead(200, { ...originated, ...headers }),
      destroy: (error) => raw.destroy(error),
    };
    answerBody(sink, body, this.#contentType, acceptEncoding);
    return this;
  }
}
