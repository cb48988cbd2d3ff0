import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawRoute } from '@opendata/server';
import {
  decodeAppendRequest,
  encodeAppendResponse,
  LOG_CONTENT_TYPES,
  logRequestFormat,
  logResponseFormat,
} from '@opendata/wire';
import type { LogDb } from '../db.ts';

/** `POST /api/v1/log/append`: a batch under consecutive sequences, all or nothing, over any keys. */
export function appendRoute(db: LogDb): RawRoute {
  return {
    method: 'POST',
    path: '/api/v1/log/append',
    handle(request, body, response) {
      const batch = decodeAppendRequest(logRequestFormat(request.headers['content-type']), body);
      const appended = db.appendColumns(batch);
      // An empty batch has no first sequence; the reference answers 0.
      const startSequence = appended.count === 0 ? 0 : appended.startSequence;
      const pending = db.acknowledged(appended, batch.awaitDurable);
      if (pending === undefined) return answer(request, response, appended.count, startSequence);
      return pending.then(() => answer(request, response, appended.count, startSequence));
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, count: number, startSequence: number): void {
  const format = logResponseFormat(request.headers.accept);
  const body = encodeAppendResponse(format, count, startSequence);
  response.writeHead(200, { 'content-type': LOG_CONTENT_TYPES[format], 'content-length': body.length });
  // As a string of bytes it goes out in one piece with the head.
  response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
}
