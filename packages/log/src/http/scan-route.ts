import { HttpError, type RawRoute, requestSignal, sendBytes } from '@opendata/server';
import { encodeScanResponse, LOG_CONTENT_TYPES, logResponseFormat, type ScanColumns } from '@opendata/wire';
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
      const last = query.has('tail') ? query.integer('tail', 0, noSequenceEnd) : undefined;
      const startTimeMs = query.has('start_time_ms') ? query.integer('start_time_ms', 0, noSequenceEnd) : undefined;
      const reverse = query.boolean('reverse');
      const follow = query.boolean('follow');
      const arrivalTimes = query.boolean('arrival_times');
      if (reverse && follow) throw new HttpError(400, 'give reverse or follow, not both');
      const options = {
        start: query.integer('start_seq', 0, noSequenceEnd),
        end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
        limit: query.integer('limit', last ?? defaultLimit, noSequenceEnd),
        last,
        startTimeMs,
      };
      const timeoutMs = query.integer('timeout_ms', defaultTimeoutMs, longestTimeoutMs);
      const page = follow
        ? await db.followPage(key, { ...options, timeoutMs, signal: requestSignal({ raw: response }) })
        : await db.readPage(key, { ...options, reverse });
      const format = logResponseFormat(request.headers.accept);
      sendBytes(
        response,
        200,
        LOG_CONTENT_TYPES[format],
        encodeScanResponse(format, key, arrivalTimes ? page : withoutTimes(page)),
      );
    },
  };
}

/** The reference's answer has no times, and clients of it may read nothing else. */
function withoutTimes({
  count,
  sequences,
  sources,
  starts,
  ends,
  attributeLengths,
  nextSequence,
}: ScanColumns): ScanColumns {
  return { count, sequences, sources, starts, ends, attributeLengths, nextSequence };
}
