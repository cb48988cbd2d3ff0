import {
  decodeSessionAck,
  encodeAppendFrame,
  FrameReader,
  isWireError,
  LOG_SESSION_CONTENT_TYPE,
  type SessionAck,
} from '@opendata/wire';
import type { AppendColumns } from '../model.ts';
import { isLogClientError, LogClientError } from './errors.ts';
import { statusError } from './http-errors.ts';
import type { HttpStream } from './http-stream.ts';
import type { HttpTransport } from './http-transport.ts';
import type { AppendStream } from './log-port.ts';
import type { ClientAppended } from './records.ts';

const maxAckBytes = 1 << 20;
const checkIntervalMs = 1000;

interface Waiting {
  readonly count: number;
  readonly resolve: (appended: ClientAppended) => void;
  readonly reject: (error: unknown) => void;
}

/** An append session of the server. @throws LogClientError when it cannot be opened; nothing is written then */
export async function openAppendStream(
  transport: HttpTransport,
  path: string,
  signal: AbortSignal,
): Promise<AppendStream> {
  const stream = transport.stream({
    method: 'POST',
    path: `${path}?ordered=true`,
    accept: LOG_SESSION_CONTENT_TYPE,
    contentType: LOG_SESSION_CONTENT_TYPE,
    signal,
  });
  try {
    await stream.opened;
  } catch (error) {
    stream.destroy();
    if (!isLogClientError(error)) throw error;
    const { code, message, status, retryAfterMs } = error;
    throw new LogClientError(code, message, { status, retryAfterMs, cause: error });
  }
  return new SessionStream(stream, transport.timeoutMs);
}

class SessionStream implements AppendStream {
  private readonly stream: HttpStream;
  private readonly timeoutMs: number;
  private readonly waiting: Waiting[] = [];
  private lastProgressMs = 0;
  private failure: unknown;
  readonly over: Promise<void>;

  constructor(stream: HttpStream, timeoutMs: number) {
    this.stream = stream;
    this.timeoutMs = timeoutMs;
    this.over = this.takeAcks();
  }

  append(records: AppendColumns, awaitDurable: boolean): Promise<ClientAppended> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(notTaken(this.failure));
      if (this.waiting.length === 0) this.lastProgressMs = performance.now();
      this.waiting.push({ count: records.count, resolve, reject });
      this.stream.write(encodeAppendFrame(records, awaitDurable));
    });
  }

  end(): void {
    this.stream.end();
  }

  /** Until the session ends; then nothing waits any more. */
  private async takeAcks(): Promise<void> {
    const watch = setInterval(() => this.endIfStuck(), checkIntervalMs);
    try {
      const reader = new FrameReader(maxAckBytes);
      for await (const chunk of this.stream.chunks()) {
        reader.push(chunk);
        while (this.failure === undefined && reader.next()) {
          this.take(decodeSessionAck(reader.bytes, reader.start, reader.end));
        }
        if (this.failure !== undefined) break;
      }
      this.fail(new LogClientError('unavailable', 'the session has ended', { mayBeWritten: true }));
    } catch (error) {
      const message = `the answer is not one of a session: ${(error as Error).message}`;
      this.fail(
        isWireError(error) ? new LogClientError('protocol', message, { cause: error, mayBeWritten: true }) : error,
      );
    } finally {
      clearInterval(watch);
      this.stream.destroy();
    }
  }

  private take({ frames, status, startSequence, message, closed }: SessionAck): void {
    this.lastProgressMs = performance.now();
    let next = startSequence;
    const error = status === 0 ? undefined : statusError(status, message);
    for (const { count, resolve, reject } of this.waiting.splice(0, frames)) {
      if (error !== undefined) reject(error);
      else resolve({ startSequence: count === 0 ? 0 : next, count });
      next += count;
    }
    if (closed) this.fail(notTaken(error));
    else if (error !== undefined) this.fail(error);
  }

  private fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private endIfStuck(): void {
    if (this.waiting.length === 0 || performance.now() - this.lastProgressMs < this.timeoutMs) return;
    this.fail(new LogClientError('timeout', `no answer within ${this.timeoutMs} ms`, { mayBeWritten: true }));
    this.stream.destroy();
  }
}

/** What comes behind the end of a session is not in the log. */
function notTaken(cause: unknown): LogClientError {
  return new LogClientError('unavailable', 'the session had ended', { cause });
}
