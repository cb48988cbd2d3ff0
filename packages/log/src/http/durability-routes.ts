import { type HttpServer, requestSignal } from '@opendata/server';
import type { LogDb } from '../db.ts';
import { noSequenceEnd, Query } from './query.ts';

const defaultTimeoutMs = 30_000;
const longestTimeoutMs = 0x7fff_ffff;

/** How far the log is durable, to ask for and to bring about. Answers are JSON. */
export function addDurabilityRoutes(app: HttpServer['app'], opened: () => LogDb): void {
  const answer = (db: LogDb) => ({
    status: 'success',
    durableSequence: db.durableSequence,
    nextSequence: db.nextSequence,
  });

  app.post('/api/v1/log/flush', async () => {
    const db = opened();
    await db.flush();
    return answer(db);
  });

  app.get('/api/v1/log/durable', async (request, reply) => {
    const db = opened();
    const query = new Query(request.raw.url!);
    const sequence = query.integer('min_seq', 0, noSequenceEnd);
    const timeoutMs = query.integer('timeout_ms', defaultTimeoutMs, longestTimeoutMs);
    await db.durableAt(sequence, { timeoutMs, signal: requestSignal(reply) });
    return answer(db);
  });
}
