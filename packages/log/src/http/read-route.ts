import { HttpError, type RawRoute, requestSignal } from '@opendata/server';
import { logResponseFormat } from '@opendata/wire';
import type { LogReader } from '../db.ts';
import type { AnswerMemory } from './answer-memory.ts';
import { Query } from './query.ts';
import { followTimeoutMs, recordRange, selectionOf, withoutTimes } from './record-query.ts';
import { sendPage } from './send-page.ts';

/**
 * `GET /api/v1/log/read`: the next records of many keys in the order of the log; with `follow=true` it waits for a first
 * one.
 */
export function readRoute(opened: () => LogReader, memory: AnswerMemory): RawRoute {
  return {
    method: 'GET',
    path: '/api/v1/log/read',
    async handle(request, _body, response) {
      const db = opened();
      const query = new Query(request.url!);
      const selection = selectionOf(query);
      const reverse = query.boolean('reverse');
      const follow = query.boolean('follow');
      const arrivalTimes = query.boolean('arrival_times');
      if (reverse && follow) throw new HttpError(400, 'give reverse or follow, not both');
      const signal = requestSignal({ raw: response });
      const options = { ...recordRange(query), durable: query.boolean('durable'), signal };
      const timeoutMs = followTimeoutMs(query);
      const page = follow
        ? await db.followSelectedPage(selection, { ...options, maxBytes: memory.followedBytes, timeoutMs })
        : await memory.read((maxBytes) => db.readSelectedPage(selection, { ...options, maxBytes, reverse }));
      const format = logResponseFormat(request.headers.accept);
      await sendPage(response, memory, format, undefined, arrivalTimes ? page : withoutTimes(page));
    },
  };
}
