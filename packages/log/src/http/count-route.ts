import { type QuickRoute, type RawRoute, sendBytes } from '@opendata/server';
import { encodeCountResponse, LOG_CONTENT_TYPES, logResponseFormat } from '@opendata/wire';
import type { LogReader } from '../db.ts';
import { noSequenceEnd, Query } from './query.ts';

const path = '/api/v1/log/count';

/** Sends an answer. */
type Send = (contentType: string, body: Uint8Array) => void;

/** `GET /api/v1/log/count`: how many records a key has. It takes less time than the framework does for a request. */
export function countRoutes(opened: () => LogReader): { readonly raw: RawRoute; readonly quick: QuickRoute } {
  async function count(url: string, accept: string | undefined, send: Send): Promise<void> {
    const db = opened();
    const query = new Query(url);
    const key = query.key();
    const counted = await db.count(key, {
      start: query.integer('start_seq', 0, noSequenceEnd),
      end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
    });
    const format = logResponseFormat(accept);
    send(LOG_CONTENT_TYPES[format], encodeCountResponse(format, counted));
  }

  return {
    raw: {
      method: 'GET',
      path,
      handle: ({ url, headers }, _body, response) =>
        count(url!, headers.accept, (type, body) => sendBytes(response, 200, type, body)),
    },
    quick: {
      method: 'GET',
      path,
      handle: ({ query, accept }, _body, exchange) =>
        count(`?${query}`, accept, (type, body) => exchange.answer(type, Buffer.from(body).toString('latin1'))),
    },
  };
}
