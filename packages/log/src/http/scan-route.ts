import { HttpError, type RawRoute, requestSignal } from '@opendata/server';
import { logResponseFormat } from '@opendata/wire';
import type { LogReader } from '../db.ts';
import type { AnswerMemory } from './answer-memory.ts';
import { Query } from './query.ts';
import { followTimeoutMs, recordRange, withoutKeys, withoutTimes } from './record-query.ts';
import { sendPage } from './send-page.ts';

/** `GET /api/v1/log/scan`: the next records of a key; with `follow=true` it waits for a first one. */
export function scanRoute(opened: () => LogReader, memory: AnswerMemory): RawRoute {
  return {
    method: 'GET',
    path: '/api/v1/log/scan',
    async handle(request, _body, response) {
      const db = opened();
      const query = new Query(request.url!);
      const key = query.key();
      const reverse = query.boolean('reverse');
      const follow = query.boolean('follow');
      const arrivalTimes = query.boolean('arrival_times');
      if (reverse && follow) throw new HttpError(400, 'give reverse or follow, not both');
      const range = recordRange(query);
      const timeoutMs = followTimeoutMs(query);
      const durable = query.boolean('durable');
      const signal = requestSignal({ raw: response });
      const one = { keys: [key] };
      const pageOf = (maxBytes: number) =>
        durable
          ? db.readSelectedPage(one, { ...range, maxBytes, durable, reverse, signal })
          : db.readPage(key, { ...range, maxBytes, reverse });
      const follower = { ...range, maxBytes: memory.followedBytes, durable, timeoutMs, signal };
      const page = follow
        ? await (durable ? db.followSelectedPage(one, follower) : db.followPage(key, follower))
        : await memory.read(pageOf);
      const shown = durable ? withoutKeys(page) : page;
      const format = logResponseFormat(request.headers.accept);
      await sendPage(response, memory, format, key, arrivalTimes ? shown : withoutTimes(shown));
    },
  };
}
