import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readBody } from './body.ts';
import type { BodyMemory } from './body-memory.ts';
import { HttpError } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `raw`: the handler takes the body as a Buffer, whatever type it is said to have. */
    readonly body?: 'raw';
  }
}

type Done = (error: Error | null, body?: unknown) => void;

/** Bodies that arrive as a Buffer. */
const BINARY_TYPES = ['application/x-protobuf', 'application/protobuf', 'application/octet-stream'];

/** Bodies that arrive as a string. */
const TEXT_TYPES = ['text/plain', 'application/x-www-form-urlencoded'];

/**
 * Replaces Fastify's body parsers: protobuf and octet streams as a Buffer, text and forms as a string, JSON as a value;
 * another type is 415, except on routes with `config: { body: 'raw' }`.
 */
export function addContentTypes(app: FastifyInstance, memory: BodyMemory): void {
  app.removeAllContentTypeParsers();
  const add = (types: string | string[], convert: (body: Buffer, request: FastifyRequest) => unknown) =>
    app.addContentTypeParser(types, (request, _payload, done) => parse(request, memory, convert, done));
  add(BINARY_TYPES, (body) => body);
  add(TEXT_TYPES, (body) => body.toString('utf8'));
  add('application/json', parseJson);
  add('*', (_body, request) => {
    const type = request.headers['content-type'];
    throw new HttpError(
      415,
      type === undefined ? 'a body needs a Content-Type' : `unsupported content type ${JSON.stringify(type)}`,
    );
  });
}

function parse(
  request: FastifyRequest,
  memory: BodyMemory,
  convert: (body: Buffer, request: FastifyRequest) => unknown,
  done: Done,
): void {
  if (request.is404) {
    done(null, undefined);
    return;
  }
  const { bodyLimit, config } = request.routeOptions;
  readBody(request.raw, bodyLimit, memory, (error, body) => {
    if (error !== null || config.body === 'raw') {
      done(error, body);
      return;
    }
    let value: unknown;
    try {
      value = convert(body!, request);
    } catch (failure) {
      done(failure as Error);
      return;
    }
    done(null, value);
  });
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new HttpError(400, `the body is not valid JSON: ${(error as Error).message}`);
  }
}
