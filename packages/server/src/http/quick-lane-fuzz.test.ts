import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { answersIn, Conversation, type ObservedServer } from './conversation.testing.ts';
import { closeOpened, eventually, open } from './http-server.testing.ts';
import { HttpError } from './problem.ts';
import type { QuickRoute } from './quick-routes.ts';
import { type RawRoute, sendBytes } from './raw-routes.ts';

afterEach(closeOpened);

const RUNS = Number(process.env['QUICK_LANE_RUNS'] ?? 100);
const seed = process.env['QUICK_LANE_SEED'];
const parameters = { numRuns: RUNS, ...(seed !== undefined && { seed: Number(seed) }) };
const TIMEOUT_MS = 60_000 + RUNS * 500;

/** Two servers whose handlers do the same with a body: one with the lane, one without. */
async function openPair() {
  function routes() {
    let active = 0;
    let inLane = 0;
    async function answerTo(body: Buffer): Promise<string> {
      const text = body.toString('latin1');
      active++;
      try {
        if (text.includes('slow')) await new Promise((resolve) => setTimeout(resolve, 1));
        if (text.includes('fail')) throw new HttpError(429, 'later', { retryAfterSeconds: 2 });
        if (text.includes('crash')) throw new Error('a detail');
        return `${text.length}:${text}`;
      } finally {
        active--;
      }
    }
    function atOnce(body: Buffer): string | undefined {
      return /slow|fail|crash/.test(body.toString('latin1')) ? undefined : `${body.length}:${body.toString('latin1')}`;
    }
    const raw: RawRoute = {
      method: 'POST',
      path: '/append',
      async handle(_request, body, response) {
        const text = atOnce(body) ?? (await answerTo(body));
        sendBytes(response, 200, 'text/plain', Buffer.from(text, 'latin1'));
      },
    };
    const quick: QuickRoute = {
      path: '/append',
      handle(_head, body, exchange) {
        inLane++;
        const text = atOnce(body);
        if (text !== undefined) return exchange.answer('text/plain', text);
        return answerTo(body).then((later) => exchange.answer('text/plain', later));
      },
    };
    const asked = (url: string) => Buffer.from(url.slice(url.indexOf('?') + 1));
    const rawGet: RawRoute = {
      method: 'GET',
      path: '/read/:name',
      async handle(request, _body, response, name) {
        const body = asked(request.url!);
        const text = atOnce(body) ?? (await answerTo(body));
        sendBytes(response, 200, 'text/plain', `${name} ${text}`);
      },
    };
    const quickGet: QuickRoute = {
      method: 'GET',
      path: '/read/:name',
      handle({ query }, _body, exchange, name) {
        inLane++;
        const body = Buffer.from(query);
        const text = atOnce(body);
        const answer = (found: string) =>
          exchange.answerBytes(Buffer.from(`${name} ${found}`), { 'content-type': 'text/plain' });
        return text === undefined ? answerTo(body).then(answer) : answer(text);
      },
    };
    return { raw: [raw, rawGet], quick: [quick, quickGet], active: () => active, inLane: () => inLane };
  }
  const [ours, theirs] = [routes(), routes()];
  const quick = await open({ rawRoutes: ours.raw, quickRoutes: ours.quick, bodyLimitBytes: 200 });
  const slow = await open({ rawRoutes: theirs.raw, bodyLimitBytes: 200 });
  return { quick: { ...quick, active: ours.active, inLane: ours.inLane }, slow: { ...slow, active: theirs.active } };
}

const often = <T>(usual: T, weight: number, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const bodies = fc.oneof(
  fc.constantFrom('fail', 'crash', 'slow', 'slow fail', 'x'.repeat(150), 'y'.repeat(201), '\r\n\r\n', ''),
  fc.string({ maxLength: 20 }),
);
// No `Upgrade`: what the parser says to the bytes behind such a request depends on how they are cut.
const extraHeaders = fc.constantFrom(
  'Accept: */*',
  'Accept: a, b',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: keep-alive, close',
  'Connection: upgrade',
  'Content-Length: 3',
  'Content-Length: +3',
  'Content-Length : 3',
  'Content-Length: 0x3',
  'Content-Length: 3, 3',
  'Content-Length:',
  'Content-Type: a/b',
  'Content-Encoding: snappy',
  'Expect: 100-continue',
  'Expect: something',
  'Host: y',
  'Host:',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: identity',
  'transfer-encoding:\tchunked',
  'User-Agent: x y',
  'User-Agent: x\n y',
  'User-Agent: x\nContent-Length: 4',
  'User-Agent: x\rContent-Length: 4',
  'User-Agent: \0',
  'User-Agent: \xe9',
  `User-Agent: ${'u'.repeat(2100)}`,
  'X-A: b',
  'broken',
  ' folded: a',
  '\tfolded',
  ': nameless',
);
const lines = fc.constantFrom(
  'GET /append HTTP/1.1',
  'post /append HTTP/1.1',
  'POST /other HTTP/1.1',
  'POST /append?a=b HTTP/1.1',
  'POST http://x/append HTTP/1.1',
  'POST  /append HTTP/1.1',
  'POST /append  HTTP/1.1',
  'POST /append HTTP/1.1 ',
  'POST /append HTTP/1.0',
  'POST /append HTTP/2.0',
  'POST /append',
  '\r\nPOST /append HTTP/1.1',
  '\x16\x03\x01',
  '',
);

/** A request that is plain most of the time. */
const requestParts = {
  line: often('POST /append HTTP/1.1', 9, lines),
  host: often('Host: x', 19, fc.constantFrom('X: y', 'Host:')),
  headers: often<string[]>([], 3, fc.array(extraHeaders, { maxLength: 3 })),
  lineEnd: often('\r\n', 29, fc.constantFrom('\n', '\r')),
  lengthError: often(0, 14, fc.constantFrom(-1, 1, 2, 300)),
  chunked: often(false, 9, fc.constant(true)),
  body: bodies,
};

interface Parts {
  readonly line: string;
  readonly host: string;
  readonly headers: readonly string[];
  readonly lineEnd: string;
  readonly lengthError: number;
  readonly chunked: boolean;
  readonly body: string;
}

function requestOf({ line, host, headers, lineEnd, lengthError, chunked, body }: Parts): Buffer {
  const declared = Math.max(0, body.length + lengthError);
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${declared}`;
  const head = [line, host, framing, ...headers, '', ''].join(lineEnd);
  const chunks = body === '' ? '0\r\n\r\n' : `${declared.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  return Buffer.from(head + (chunked ? chunks : body), 'latin1');
}

/** A GET that is plain most of the time. */
const reads = fc
  .record({
    line: fc.constantFrom(
      'GET /read/a?x=1&y[]=%7B HTTP/1.1',
      'GET /read/a?slow HTTP/1.1',
      'GET /read/b?slow-fail HTTP/1.1',
      'GET /read/b?crash HTTP/1.1',
      'GET /read/a? HTTP/1.1',
      'GET /read/a?a?b HTTP/1.1',
      'GET /read/a?b#c HTTP/1.1',
      'GET /read/a?"b" HTTP/1.1',
      'GET /read/a-b?c HTTP/1.1',
      'GET /read/?a HTTP/1.1',
      'GET /read/a/b?c HTTP/1.1',
    ),
    host: requestParts.host,
    headers: often<string[]>([], 5, fc.array(extraHeaders, { maxLength: 2 })),
  })
  .map(({ line, host, headers }) => Buffer.from([line, host, ...headers, '', ''].join('\r\n'), 'latin1'));

const requests = fc.oneof(
  { weight: 3, arbitrary: fc.record(requestParts).map(requestOf) },
  { weight: 1, arbitrary: reads },
);
const wholePosts = fc
  .record({
    ...requestParts,
    line: fc.oneof(
      { weight: 20, arbitrary: requestParts.line },
      { weight: 1, arbitrary: fc.constant('CONNECT /append HTTP/1.1') },
    ),
    lengthError: fc.constant(0),
  })
  .map(requestOf);

const wholeRequests = fc.oneof({ weight: 3, arbitrary: wholePosts }, { weight: 1, arbitrary: reads });

const streams = fc.array(requests, { minLength: 1, maxLength: 4 }).map((parts) => Buffer.concat(parts));
/** Where the stream is cut, and whether the sender then waits until all before it is answered. */
const cuts = fc.array(fc.record({ at: fc.nat(1000), waits: fc.boolean() }), { maxLength: 6 });

/** What the parser says to a stream that comes byte by byte, each when all before it is done: nothing depends on time. */
async function reference(observed: ObservedServer, stream: Buffer): Promise<string[]> {
  const one = await Conversation.open(observed);
  for (let at = 0; at < stream.length && !one.isClosed; at++) {
    await one.send(stream.subarray(at, at + 1));
    await one.settle();
  }
  await one.settle();
  return answersIn(await one.end());
}

async function sendCut(one: Conversation, stream: Buffer, places: readonly { at: number; waits: boolean }[]) {
  let sent = 0;
  for (const { at, waits } of [...places].sort((a, b) => a.at - b.at)) {
    const end = Math.min(at, stream.length);
    if (end > sent) await one.send(stream.subarray(sent, end));
    sent = Math.max(sent, end);
    if (waits) await one.settle();
  }
  if (sent < stream.length) await one.send(stream.subarray(sent));
}

/**
 * What is behind the end of a connection, or no request, makes the parser end it at once when it arrives together with
 * a request that is not answered yet: then that answer is lost. The lane's own answers never are.
 * @param inLane the number of answers that the lane gave
 */
function expectSameOrCutShort(found: string[], expected: string[], inLane: number): void {
  const isCutShort = found.at(-1) === 'HTTP/1.1 400' && found.length <= expected.length && found.length > inLane;
  if (!isCutShort) expect(found).toEqual(expected);
  else expect(found.slice(0, -1)).toEqual(expected.slice(0, found.length - 1));
}

/** Node puts its `100 Continue` anywhere between the answers, even into one, to a request behind another. */
function hasStrayContinue(stream: Buffer): boolean {
  return stream.includes('Expect: 100-continue');
}

type Pair = Awaited<ReturnType<typeof openPair>>;

async function expectIdle({ quick }: Pair): Promise<void> {
  await eventually(() => {
    expect(quick.metric('http_requests_in_flight')).toBe(0);
    expect(quick.metric('http_open_connections')).toBe(0);
  });
}

describe('the quick lane, for any bytes in any pieces', () => {
  it(
    'says what the parser says to one request after the other',
    async () => {
      const pair = await openPair();
      const cutRequests = fc.array(fc.tuple(wholeRequests, cuts), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(cutRequests, async (parts) => {
          const found = [];
          for (const observed of [pair.quick, pair.slow]) {
            const one = await Conversation.open(observed);
            for (const [request, places] of parts) {
              await sendCut(one, request, places);
              await one.settle();
            }
            found.push(answersIn(await one.end()));
          }
          expect(found[0]).toEqual(found[1]);
        }),
        parameters,
      );
      await expectIdle(pair);
    },
    TIMEOUT_MS,
  );

  it(
    'says what the parser says to requests that come together',
    async () => {
      const pair = await openPair();
      await fc.assert(
        fc.asyncProperty(streams, cuts, async (stream, places) => {
          fc.pre(!hasStrayContinue(stream));
          const expected = await reference(pair.slow, stream);
          const before = pair.quick.inLane();
          const one = await Conversation.open(pair.quick);
          await sendCut(one, stream, places);
          await one.settle();
          const found = answersIn(await one.end());
          expectSameOrCutShort(found, expected, pair.quick.inLane() - before);
        }),
        parameters,
      );
      await expectIdle(pair);
    },
    TIMEOUT_MS,
  );

  it(
    'answers every plain request of a client that closes its side at once',
    async () => {
      const pair = await openPair();
      const plain = bodies
        .filter((body) => body.length <= 200)
        .map((body) =>
          Buffer.from(`POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
        );
      await fc.assert(
        fc.asyncProperty(
          fc.array(plain, { minLength: 1, maxLength: 8 }),
          fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
          async (parts, isSplit) => {
            const one = await Conversation.open(pair.quick);
            let together: Buffer[] = [];
            for (const [i, part] of parts.entries()) {
              together.push(part);
              if (isSplit[i] !== true && i < parts.length - 1) continue;
              await one.send(Buffer.concat(together));
              together = [];
            }
            expect(answersIn(await one.end())).toHaveLength(parts.length);
          },
        ),
        parameters,
      );
      await expectIdle(pair);
    },
    TIMEOUT_MS,
  );

  it(
    'answers what it took, and ends, when a client closes its side or breaks off at any time',
    async () => {
      const pair = await openPair();
      await fc.assert(
        fc.asyncProperty(streams, cuts, fc.boolean(), async (stream, places, breaksOff) => {
          fc.pre(!hasStrayContinue(stream));
          const expected = await reference(pair.slow, stream);
          const before = pair.quick.inLane();
          const one = await Conversation.open(pair.quick);
          await sendCut(one, stream, places);
          if (breaksOff) return one.reset();
          const found = answersIn(await one.end());
          // The last answer says that the connection closes, if the server knows by then.
          const unclosed = (answers: string[]) => answers.map((answer) => answer.replace(' close ', ' keep-alive '));
          const same = unclosed(found.at(-1) === 'HTTP/1.1 400' ? found.slice(0, -1) : found);
          expect(same).toEqual(unclosed(expected.slice(0, same.length)));
          expect(found.length).toBeGreaterThanOrEqual(pair.quick.inLane() - before);
        }),
        parameters,
      );
      await expectIdle(pair);
    },
    TIMEOUT_MS,
  );
});
