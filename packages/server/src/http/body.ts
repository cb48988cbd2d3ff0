import type { IncomingMessage } from 'node:http';
import { BodyBuffers } from './body-buffers.ts';
import { type BodyMemory, countedBytes } from './body-memory.ts';
import { HttpError } from './problem.ts';
import { onceOver } from './tracked-response.ts';

/** How much of a body that is too large is read and thrown away, so that its sender can read why. */
const DISCARD_FACTOR = 4;
const DISCARD_LEAST_BYTES = 256 * 1024 * 1024;
/** A sender that pauses this long is not waited for. */
const DISCARD_PAUSE_MS = 5000;

const buffers = new BodyBuffers();
/** Nobody gets more room than this because of what a header says. */
const TRUSTED_LENGTH_BYTES = 1024 * 1024;

type BodyCallback = (error: Error | null, body?: Buffer) => void;

/** Where the chunks of a body go. */
interface BodySink {
  /** @param receivedBytes of the body before the chunk */
  add(chunk: Buffer, receivedBytes: number): void;
  /** Hands the whole body on. */
  finish(receivedBytes: number, done: BodyCallback): void;
  /** Whoever gets the body keeps it until the request is over. */
  readonly isKept: boolean;
  /** The body will not be complete. */
  abandon(): void;
}

/**
 * Reads a request's body. A body of one chunk is handed on as it came, others are copied together once. The buffer is
 * the caller's: nobody writes to it afterwards.
 *
 * Fails with 413 over `limitBytes`, with 503 where `memory` has no room, and with 400 when the client stops in the middle.
 * The room is given back when the request is over.
 */
export function readBody(request: IncomingMessage, limitBytes: number, memory: BodyMemory, done: BodyCallback): void {
  collect(request, { limitBytes, memory, open: keepChunks }, done);
}

/**
 * `readBody` for callers that have no use for the body once `done` has returned: its buffer is then used for another
 * request.
 */
export function readBodyForNow(
  request: IncomingMessage,
  limitBytes: number,
  memory: BodyMemory,
  done: BodyCallback,
): void {
  collect(request, { limitBytes, memory, open: reuseBuffer }, done);
}

function keepChunks(): BodySink {
  const chunks: Buffer[] = [];
  return {
    add: (chunk) => void chunks.push(chunk),
    finish: (receivedBytes, done) =>
      done(null, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, receivedBytes)),
    isKept: true,
    abandon: () => void (chunks.length = 0),
  };
}

function reuseBuffer(declaredBytes: number): BodySink {
  let buffer = buffers.take(Math.min(declaredBytes, TRUSTED_LENGTH_BYTES));
  return {
    add(chunk, receivedBytes) {
      const needBytes = receivedBytes + chunk.length;
      if (needBytes > buffer.length) buffer = buffers.grow(buffer, receivedBytes, needBytes);
      chunk.copy(buffer, receivedBytes);
    },
    finish(receivedBytes, done) {
      try {
        done(null, buffer.subarray(0, receivedBytes));
      } finally {
        buffers.give(buffer);
      }
    },
    isKept: false,
    abandon: () => buffers.give(buffer),
  };
}

interface Collection {
  readonly limitBytes: number;
  readonly memory: BodyMemory;
  readonly open: (declaredBytes: number) => BodySink;
}

function collect(request: IncomingMessage, { limitBytes, memory, open }: Collection, done: BodyCallback): void {
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > limitBytes) {
    discardBody(request, limitBytes, () => done(tooLarge(limitBytes)));
    return;
  }
  const sink = open(declaredBytes);
  let receivedBytes = 0;
  let heldBytes = 0;

  function onData(chunk: Buffer): void {
    const bytes = receivedBytes + chunk.length;
    const moreBytes = countedBytes(bytes) - heldBytes;
    if (bytes > limitBytes) refuse(tooLarge(limitBytes));
    else if (!memory.take(moreBytes, heldBytes)) refuse(memory.refusal());
    else {
      heldBytes += moreBytes;
      sink.add(chunk, receivedBytes);
      receivedBytes = bytes;
    }
  }
  function refuse(error: HttpError): void {
    abandon();
    discardBody(request, limitBytes, () => done(error));
  }
  function onEnd(): void {
    stop();
    if (heldBytes > 0 && sink.isKept) onceOver(request, () => memory.give(heldBytes));
    sink.finish(receivedBytes, done);
    if (!sink.isKept) memory.give(heldBytes);
  }
  function abandon(): void {
    stop();
    sink.abandon();
    memory.give(heldBytes);
  }
  function onGone(): void {
    abandon();
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
