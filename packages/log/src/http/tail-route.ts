import type { IncomingMessage } from 'node:http';
import { HttpError, type RawRoute, requestSignal } from '@opendata/server';
import { encodeRecordEvents } from '@opendata/wire';
import type { LogDb } from '../db.ts';
import { drained } from './drained.ts';
import { noSequenceEnd, Query } from './query.ts';
import { selectionOf, withoutTimes } from './record-query.ts';

const defaultHeartbeatMs = 15_000;
const longestHeartbeatMs = 0x7fff_ffff;
/** Records and bytes of values that are read for a client at once: with what its connection holds, all it costs. */
const pageRecords = 1024;
const pageBytes = 256 * 1024;
/** How long a browser waits before it connects again, ms. */
const retryMs = 1000;

/**
 * `GET /api/v1/log/tail`: records of many keys as Server-Sent Events, in the order of the log. Nothing is read for a
 * client that does not take what it got.
 */
export function tailRoute(opened: () => LogDb, draining: AbortSignal): RawRoute {
  return {
    method: 'GET',
    path: '/api/v1/log/tail',
    async handle(request, _body, response) {
      const db = opened();
      const query = new Query(request.url!);
      const selection = selectionOf(query);
      const durable = query.boolean('durable', true);
      const arrivalTimes = query.boolean('arrival_times');
      const { isKnown, ...range } = startOf(query, request, durable ? db.durableSequence : db.nextSequence);
      const idleMs = query.integer('heartbeat_ms', defaultHeartbeatMs, longestHeartbeatMs);
      if (idleMs === 0) throw new HttpError(400, 'parameter heartbeat_ms is 0');
      const signal = requestSignal({ raw: response });
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write(`retry: ${retryMs}\n${isKnown ? heartbeat(range.start) : opening}`);
      const options = { ...range, durable, idleMs, limit: pageRecords, maxBytes: pageBytes, signal };
      for await (const page of db.tailPages(selection, options)) {
        if (signal.aborted) return;
        const isIdle = page.count === 0;
        const events = isIdle
          ? heartbeat(page.nextSequence)
          : encodeRecordEvents(arrivalTimes ? page : withoutTimes(page));
        // A client that does not take its events when the server stops goes on from the last one elsewhere.
        if (!response.write(events) && !(await drained(response, draining))) return;
        if (draining.aborted) break;
      }
      if (!signal.aborted) response.end();
    },
  };
}

interface TailStart {
  readonly start: number;
  /** Whether `start` is where it begins, and says more than the same query would once more. */
  readonly isKnown: boolean;
  readonly last?: number;
  readonly startTimeMs?: number;
}

/** Where to begin: behind the last event of a client that comes back, else as asked, else now. @throws HttpError 400 */
function startOf(query: Query, request: IncomingMessage, now: number): TailStart {
  const lastEventId = request.headers['last-event-id'];
  if (lastEventId !== undefined && lastEventId !== '') {
    const sequence = /^(?:-1|[0-9]+)$/.test(String(lastEventId)) ? Number(lastEventId) : Number.NaN;
    if (!Number.isSafeInteger(sequence)) throw new HttpError(400, 'Last-Event-ID is not the id of an event');
    return { start: sequence + 1, isKnown: true };
  }
  const starts = ['start_seq', 'tail', 'start_time_ms'].filter((name) => query.has(name));
  if (starts.length > 1) {
    throw new HttpError(400, `expected one place to begin, found the parameters ${starts.join(' and ')}`);
  }
  const isKnown = false;
  if (query.has('start_seq')) return { start: query.integer('start_seq', 0, noSequenceEnd), isKnown };
  if (query.has('tail')) return { start: 0, last: query.integer('tail', 0, noSequenceEnd), isKnown };
  if (query.has('start_time_ms')) {
    return { start: 0, startTimeMs: query.integer('start_time_ms', 0, noSequenceEnd), isKnown };
  }
  return { start: now, isKnown: true };
}

/** Says that the log is there, and nothing of where in it. */
const opening = ':\n\n';

/** No event, but a browser that comes back goes on from there: behind -1 where the log had no record yet. */
function heartbeat(nextSequence: number): string {
  return `:\nid: ${nextSequence - 1}\n\n`;
}
