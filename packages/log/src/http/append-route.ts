import { HttpError, type QuickRoute, type RawRoute } from '@opendata/server';
import {
  appendResponseText,
  createAppendDecoder,
  LOG_CONTENT_TYPES,
  logRequestFormat,
  logResponseFormat,
} from '@opendata/wire';
import type { LogDb } from '../db.ts';

const path = '/api/v1/log/append';

interface AppendHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly accept: string | undefined;
}

/** Sends an answer; `text` is a string of bytes (latin1), which goes out in one piece with the head. */
type Send = (contentType: string, text: string) => void;

/**
 * `POST /api/v1/log/append`: a batch of at most `maxRecords` under consecutive sequences, all or nothing, over any keys.
 * A batch is taken in one turn of the event loop, so its records are bounded and not only its bytes.
 */
export function appendRoutes(
  opened: () => LogDb,
  maxRecords: number,
): { readonly raw: RawRoute; readonly quick: QuickRoute } {
  const answers = new AnswerQueue();
  const decode = createAppendDecoder();

  function append(
    { contentType, contentEncoding, accept }: AppendHeaders,
    body: Buffer,
    send: Send,
  ): Promise<void> | undefined {
    const db = opened();
    if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
      throw new HttpError(
        415,
        `unsupported Content-Encoding ${JSON.stringify(contentEncoding)}: send the body as it is`,
      );
    }
    const batch = decode(logRequestFormat(contentType), body, maxRecords);
    const appended = db.appendColumns(batch);
    const { count, startSequence } = appended;
    const pending = db.acknowledged(appended, batch.awaitDurable);
    // An empty batch has no first sequence; the reference answers 0.
    const answer = { send, accept, count, startSequence: count === 0 ? 0 : startSequence };
    if (pending !== undefined) return pending.then(() => sendAnswer(answer));
    answers.add(answer);
    return undefined;
  }

  return {
    raw: {
      method: 'POST',
      path,
      usesBodyAtOnce: true,
      handle(request, body, response) {
        const { 'content-type': contentType, 'content-encoding': contentEncoding, accept } = request.headers;
        return append({ contentType, contentEncoding, accept }, body, (type, text) => {
          response.writeHead(200, { 'content-type': type, 'content-length': text.length });
          response.end(text, 'latin1');
        });
      },
    },
    quick: {
      path,
      handle: (head, body, exchange) => append(head, body, (type, text) => exchange.answer(type, text)),
    },
  };
}

interface Answer {
  readonly send: Send;
  readonly accept: string | undefined;
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
    for (const answer of answers) sendAnswer(answer);
  }
}

function sendAnswer({ send, accept, count, startSequence }: Answer): void {
  const format = logResponseFormat(accept);
  send(LOG_CONTENT_TYPES[format], appendResponseText(format, count, startSequence));
}
