import { type ClientRequest, request } from 'node:http';
import {
  decodeSessionAck,
  encodeAppendFrame,
  FrameReader,
  LOG_SESSION_CONTENT_TYPE,
  type SessionAck,
} from '@opendata/wire';

/** An append session as a client would write it from the documentation of the protocol. */
export interface RawSession {
  send(records: readonly { readonly key: string; readonly value: string }[], durable: boolean): void;
  /** Resolves when the server has answered, or will not. */
  readonly opened: Promise<void>;
  /** Ends the session's input. */
  end(): void;
  /** Resolves when nothing more will come: the answer has ended, or the connection is broken. */
  readonly over: Promise<void>;
}

export function openSession(url: string, onAck: (ack: SessionAck) => void): RawSession {
  const out: ClientRequest = request(`${url}/api/v1/log/session`, {
    method: 'POST',
    headers: { 'content-type': LOG_SESSION_CONTENT_TYPE },
    agent: false,
  });
  const over = new Promise<void>((resolve) => {
    out.on('error', () => resolve());
    out.on('close', () => resolve());
    out.on('response', (response) => {
      if (response.statusCode !== 200) {
        out.destroy();
        return;
      }
      const reader = new FrameReader(1 << 20);
      response.on('data', (chunk: Buffer) => {
        reader.push(chunk);
        while (reader.next()) onAck(decodeSessionAck(reader.bytes, reader.start, reader.end));
      });
      response.on('error', () => resolve());
      response.on('end', () => {
        resolve();
        out.destroy();
      });
    });
  });
  const answered = new Promise<void>((resolve) => out.on('response', () => resolve()));
  out.flushHeaders();
  return {
    send(records, durable) {
      if (!out.destroyed && !out.writableEnded) out.write(encodeAppendFrame(columnsOf(records), durable));
    },
    end: () => void out.end(),
    opened: Promise.race([answered, over]),
    over,
  };
}

function columnsOf(records: readonly { readonly key: string; readonly value: string }[]) {
  const parts = records.flatMap(({ key, value }) => [Buffer.from(key), Buffer.from(value)]);
  const ends: number[] = [];
  let end = 0;
  for (const part of parts) ends.push((end += part.length));
  const at = (offset: number) => Uint32Array.from(records, (_, i) => ends[2 * i + offset] ?? 0);
  return {
    bytes: Buffer.concat(parts),
    count: records.length,
    keyStart: at(-1),
    keyEnd: at(0),
    valueStart: at(0),
    valueEnd: at(1),
  };
}
