import { type RawRoute, requestSignal, sendBytes } from '@opendata/server';
import { encodeScanResponse, LOG_CONTENT_TYPES, logResponseFormat } from '@opendata/wire';
import type { LogReader } from '../db.ts';
import { noSequenceEnd, Query } from './query.ts';

const defaultLimit = 32;
const defaultTimeoutMs = 30_000;
const longestTimeoutMs = 0x7fff_ffff;

/** `GET /api/v1/log/scan`: the next records of a key; with `follow=true` it waits for a first one. */
export function scanRoute(opened: () => LogReader): RawRoute {
  return {
    method: 'GET',
    path: '/api/v1/log/scan',
    async handle(request, _body, response) {
      const db = opened();
      const query = new Query(request.url!);
      const key = query.key();
      const options = {
        start: query.integer('start_seq', 0, noSequenceEnd),
        end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
        limit: query.integer('limit', defaultLimit, noSequenceEnd),
      };
      const timeoutMs = query.integer('timeout_ms', defaultTimeoutMs, longestTimeoutMs);
      const page = query.boolean('follow')
        ? await db.followPage(key, { ...options, timeoutMs, signal: requestSignal({ raw: response }) })
        : await db.readPage(key, options);
      const format = logResponseFormat(request.headers.accept);
      sendBytes(response, 200, LOG_CONTENT_TYPES[format], encodeScanResponse(format, key, page));
    },
  };
}
