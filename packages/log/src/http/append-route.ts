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

/**
 * `POST /api/v1/log/append`: a batch of at most `maxRecords` under consecutive sequences, all or nothing, over any keys.
 * A batch is taken in one turn of the event loop, so its records are bounded and not only its bytes.
 */
export function appendRoute(opened: () => LogDb, maxRecords: number): RawRoute {
  const answers = new AnswerQueue();
  return {
    method: 'POST',
    path: '/api/v1/log/append',
    usesBodyAtOnce: true,
    handle(request, body, response) {
      const db = opened();
      const batch = decodeAppendRequest(logRequestFormat(request.headers['content-type']), body, maxRecords);
      const appended = db.appendColumns(batch);
      // An empty batch has no first sequence; the reference answers 0.
      const startSequence = appended.count === 0 ? 0 : appended.startSequence;
      const pending = db.acknowledged(appended, batch.awaitDurable);
      if (pending === undefined) return answers.add({ request, response, count: appended.count, startSequence });
      return pending.then(() => send({ request, response, count: appended.count, startSequence }));
    },
  };
}

interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly count: number;
  readonly startSequence: number;
}

/**
 * Sends the answers of one turn of the event loop one right behind the other. A write to a sleeping client costs
 * several times one to a client that is awake, and a client that is woken by many answers sends its next requests
 * together.
 */
class AnswerQueue {
  private waiting: Answer[] = [];

  add(answer: Answer): void {
    if (this.waiting.push(answer) === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    const answers = this.waiting;
    this.waiting = [];
    for (const answer of answers) send(answer);
  }
}

function send({ request, response, count, startSequence }: Answer): void {
  const format = logResponseFormat(request.headers.accept);
  const body = encodeAppendResponse(format, count, startSequence);
  response.writeHead(200, { 'content-type': LOG_CONTENT_TYPES[format], 'content-length': body.length });
  // As a string of bytes it goes out in one piece with the head.
  response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
}
