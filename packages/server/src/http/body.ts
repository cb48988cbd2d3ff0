import type { IncomingMessage } from 'node:http';
import { BodyBuffers } from './body-buffers.ts';
import { HttpError } from './problem.ts';

/** How much of a body that is too large is read and thrown away, so that its sender can read why. */
const DISCARD_FACTOR = 4;
const DISCARD_LEAST_BYTES = 256 * 1024 * 1024;
/** A sender that pauses this long is not waited for. */
const DISCARD_PAUSE_MS = 5000;

const buffers = new BodyBuffers();
/** Nobody gets more room than this because of what a header says. */
const TRUSTED_LENGTH_BYTES = 1024 * 1024;

type BodyCallback = (error: Error | null, body?: Buffer) => void;

/**
 * Reads a request's body. A body of one chunk is handed on as it came, others are copied together once. The buffer is
 * the caller's: nobody writes to it afterwards.
 *
 * Fails with 413 over `limitBytes`, and with 400 when the client stops in the middle.
 */
export function readBody(request: IncomingMessage, limitBytes: number, done: BodyCallback): void {
  const declared = request.headers['content-length'];
  const declaredBytes = declared === undefined ? -1 : Number(declared);
  if (declaredBytes > limitBytes) {
    discardBody(request, limitBytes, () => done(tooLarge(limitBytes)));
    return;
  }
  let first: Buffer | undefined;
  let chunks: Buffer[] | undefined;
  let receivedBytes = 0;

  function onData(chunk: Buffer): void {
    receivedBytes += chunk.length;
    if (receivedBytes > limitBytes) {
      stop();
      first = chunks = undefined;
      discardBody(request, limitBytes, () => done(tooLarge(limitBytes)));
    } else if (first === undefined) {
      first = chunk;
    } else if (chunks === undefined) {
      chunks = [first, chunk];
    } else {
      chunks.push(chunk);
    }
  }
  function onEnd(): void {
    stop();
    done(null, chunks === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(chunks, receivedBytes));
  }
  function onGone(): void {
    stop();
    done(new HttpError(400, 'the request body ended early'));
  }
  function stop(): void {
    request.off('data', onData);
    request.off('end', onEnd);
    request.off('error', onGone);
    request.off('close', onGone);
  }
  request.on('data', onData);
  request.on('end', onEnd);
  request.on('error', onGone);
  request.on('close', onGone);
}

/**
 * `readBody` for callers that have no use for the body once `done` has returned: its buffer is then used for another
 * request.
 */
export function readBodyForNow(request: IncomingMessage, limitBytes: number, done: BodyCallback): void {
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > limitBytes) {
    discardBody(request, limitBytes, () => done(tooLarge(limitBytes)));
    return;
  }
  let buffer: Buffer | undefined = buffers.take(Math.min(declaredBytes, TRUSTED_LENGTH_BYTES));
  let receivedBytes = 0;

  function onData(chunk: Buffer): void {
    const needBytes = receivedBytes + chunk.length;
    if (needBytes > limitBytes) {
      stop();
      discardBody(request, limitBytes, () => done(tooLarge(limitBytes)));
      return;
    }
    if (needBytes > buffer!.length) buffer = buffers.grow(buffer!, receivedBytes, needBytes);
    chunk.copy(buffer!, receivedBytes);
    receivedBytes = needBytes;
  }
  function onEnd(): void {
    const body = buffer!;
    buffer = undefined;
    stop();
    try {
      done(null, body.subarray(0, receivedBytes));
    } finally {
      buffers.give(body);
    }
  }
  function onGone(): void {
    stop();
    done(new HttpError(400, 'the request body ended early'));
  }
  function stop(): void {
    if (buffer !== undefined) buffers.give(buffer);
    buffer = undefined;
    request.off('data', onData);
    request.off('end', onEnd);
    request.off('error', onGone);
    request.off('close', onGone);
  }
  request.on('data', onData);
  request.on('end', onEnd);
  request.on('error', onGone);
  request.on('close', onGone);
}

/** Throws a body away, up to a bound and while it comes; a client that waits to be asked for it (`Expect`) is not asked. */
function discardBody(request: IncomingMessage, limitBytes: number, done: () => void): void {
  if (request.headers.expect !== undefined) {
    done();
    return;
  }
  let leftBytes = Math.max(limitBytes * DISCARD_FACTOR, DISCARD_LEAST_BYTES);
  const timer = setTimeout(finish, DISCARD_PAUSE_MS);
  function onData(chunk: Buffer): void {
    leftBytes -= chunk.length;
    timer.refresh();
    if (leftBytes < 0) finish();
  }
  function finish(): void {
    clearTimeout(timer);
    request.off('data', onData);
    request.off('end', finish);
    request.off('error', finish);
    request.off('close', finish);
    done();
  }
  request.on('data', onData);
  request.on('end', finish);
  request.on('error', finish);
  request.on('close', finish);
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError(413, `request body too large: at most ${limitBytes} bytes are accepted`);
}
