import { HttpError, type RawRoute } from '@opendata/server';

const refuse = (): never => {
  throw new HttpError(403, 'this server is read-only: send writes to the server that writes the log', {
    code: 'read_only',
  });
};

/** What a replica answers to whoever wants to write. */
export const refusedWrites: readonly RawRoute[] = [
  { method: 'POST', path: '/api/v1/log/append', usesBodyAtOnce: true, handle: refuse },
  { method: 'POST', path: '/api/v1/log/session', streamsBody: true, handle: refuse },
  { method: 'POST', path: '/api/v1/log/flush', handle: refuse },
];
