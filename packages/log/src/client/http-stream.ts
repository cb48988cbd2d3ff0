import { Buffer } from 'node:buffer';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { answerError, connectionError } from './http-errors.ts';

export interface HttpStreamRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A request and an answer that go on at the same time. */
export interface HttpStream {
  /** Resolves when the server has begun to answer. @throws LogClientError, or the reason of the signal */
  readonly opened: Promise<void>;
  /** The answer. @throws LogClientError when it breaks off, or the reason of the signal */
  chunks(): AsyncGenerator<Buffer>;
  write(bytes: Uint8Array): void;
  /** Ends the request; the answer goes on. */
  end(): void;
  /** Breaks off what is under way. */
  destroy(): void;
}

interface StreamContext {
  readonly origin: string;
  /** How long the server may take to begin, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The stream of a request whose head was not sent yet. */
export function streamOf(outgoing: ClientRequest, { origin, timeoutMs, signal }: StreamContext): HttpStream {
  let response: IncomingMessage | undefined;
  let isLate = false;
  let isConnected = false;
  const onAbort = () => outgoing.destroy(new Error('aborted'));
  const errorOf = (error: Error) =>
    signal.aborted ? (signal.reason as Error) : connectionError(origin, error, { isConnected, isLate });
  const opened = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      isLate = true;
      outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    outgoing.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (isConnected = true));
      else isConnected = true;
    });
    outgoing.on('error', (error) => reject(errorOf(error)));
    outgoing.on('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
    outgoing.on('response', (incoming: IncomingMessage) => {
      clearTimeout(timer);
      response = incoming;
      if (incoming.statusCode === 200) return resolve();
      refusal(incoming).then(reject, (error: Error) => reject(errorOf(error)));
    });
  });
  opened.catch(() => undefined);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);

  return {
    opened,
    async *chunks() {
      await opened;
      try {
        for await (const chunk of response!) yield chunk as Buffer;
      } catch (error) {
        throw errorOf(error as Error);
      }
    },
    write: (bytes) => void outgoing.write(bytes),
    end: () => void outgoing.end(),
    destroy: () => void outgoing.destroy(),
  };
}

async function refusal(response: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  response.destroy();
  return answerError(response, Buffer.concat(chunks));
}
