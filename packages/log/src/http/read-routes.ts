import type { HttpServer } from '@opendata/server';
import {
  encodeKeysResponse,
  encodeSegmentsResponse,
  LOG_CONTENT_TYPES,
  type LogFormat,
  logResponseFormat,
} from '@opendata/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LogReader } from '../db.ts';
import { noSequenceEnd, Query } from './query.ts';

const defaultLimit = 32;
const noSegmentEnd = 0xffff_ffff;
/** One answer lists at most this many keys. */
const maxListedKeys = 10_000;

/** The routes that read other things than records: `keys`, `segments` and `inspect` under `/api/v1/log`. */
export function addReadRoutes(app: HttpServer['app'], opened: () => LogReader): void {
  app.get('/api/v1/log/inspect', async (request) => {
    const query = new Query(request.raw.url!);
    const key = query.key();
    const inspection = await opened().inspect(key, {
      start: query.integer('start_seq', 0, noSequenceEnd),
      end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
    });
    return { status: 'success', ...inspection };
  });

  app.get('/api/v1/log/keys', async (request, reply) => {
    const query = new Query(request.raw.url!);
    const prefix = query.base64('prefix_b64') ?? query.bytes('prefix');
    const after = query.base64('after_b64') ?? query.bytes('after');
    const limit = query.integer('limit', defaultLimit, maxListedKeys);
    const options = {
      startSegment: query.integer('start_segment', 0, noSegmentEnd),
      endSegment: query.integer('end_segment', noSegmentEnd, noSegmentEnd),
      ...(prefix !== undefined && { prefix }),
      ...(after !== undefined && { after }),
    };
    const keys: Uint8Array[] = [];
    if (limit > 0) {
      for await (const key of opened().keys(options)) if (keys.push(key) >= limit) break;
    }
    return answer(request, reply, (format) => encodeKeysResponse(format, keys));
  });

  app.get('/api/v1/log/segments', async (request, reply) => {
    const query = new Query(request.raw.url!);
    const range = {
      start: query.integer('start_seq', 0, noSequenceEnd),
      end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
    };
    const segments = opened().segments(range);
    return answer(request, reply, (format) => encodeSegmentsResponse(format, segments));
  });
}

function answer(request: FastifyRequest, reply: FastifyReply, encode: (format: LogFormat) => Uint8Array): FastifyReply {
  const format = logResponseFormat(request.headers.accept);
  return reply.type(LOG_CONTENT_TYPES[format]).send(encode(format));
}
