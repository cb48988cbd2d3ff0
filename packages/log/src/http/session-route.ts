import { HttpError, type RawRoute } from '@opendata/server';
import { LOG_SESSION_CONTENT_TYPE, logRequestFormat } from '@opendata/wire';
import type { LogDb } from '../db.ts';
import { AppendSession, type SessionLimits } from './append-session.ts';
import { Query } from './query.ts';

/** `POST /api/v1/log/session`: many small appends in flight on one connection, acknowledged in their order. */
export function sessionRoute(opened: () => LogDb, limits: SessionLimits, draining: AbortSignal): RawRoute {
  return {
    method: 'POST',
    path: '/api/v1/log/session',
    streamsBody: true,
    handle(request, _body, response) {
      const db = opened();
      if (logRequestFormat(request.headers['content-type']) !== 'protobuf') {
        throw new HttpError(415, `a session has Content-Type: ${LOG_SESSION_CONTENT_TYPE}`);
      }
      const isOrdered = new Query(request.url!).boolean('ordered');
      response.writeHead(200, { 'content-type': LOG_SESSION_CONTENT_TYPE, 'cache-control': 'no-store' });
      response.flushHeaders();
      new AppendSession(db, request, response, limits, { isOrdered }).start(draining);
    },
  };
}
