import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import {
  decodeSessionAck,
  encodeAppendFrame,
  FrameReader,
  LOG_SESSION_CONTENT_TYPE,
  type SessionAck,
} from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnsOf } from '../src/append-columns.ts';
import { createClient } from './client.testing.ts';
import { type ServerProcess, startServer, temporaryFolder } from './server-process.testing.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
});
afterAll(async () => {
  await server.stop();
});

function frame(records: readonly (readonly [string, string])[], awaitDurable = false): Uint8Array {
  const rows = records.map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
  return encodeAppendFrame(columnsOf(rows), awaitDurable);
}

interface Session {
  readonly out: ClientRequest;
  readonly response: IncomingMessage;
  /** The next acknowledgement; undefined at the end of the answer. */
  ack(): Promise<SessionAck | undefined>;
}

async function open(url = server.url, type: string = LOG_SESSION_CONTENT_TYPE, query = ''): Promise<Session> {
  const out = request(`${url}/api/v1/log/session${query}`, { method: 'POST', headers: { 'content-type': type } });
  out.flushHeaders();
  const [response] = (await once(out, 'response')) as [IncomingMessage];
  const reader = new FrameReader(1 << 20);
  const chunks = response[Symbol.asyncIterator]();
  return {
    out,
    response,
    async ack() {
      while (!reader.next()) {
        const { value, done } = (await chunks.next()) as IteratorResult<Buffer>;
        if (done) return undefined;
        reader.push(value);
      }
      return decodeSessionAck(reader.bytes, reader.start, reader.end);
    },
  };
}

describe('append session', () => {
  it('acknowledges many small appends in their order', async () => {
    const session = await open();
    const { out } = session;
    const sent = 20_000;
    for (let i = 0; i < sent; i++) {
      if (!out.write(frame([[`s1-${i % 10}`, `${i}`]], i % 1000 === 0))) await once(out, 'drain');
    }
    out.end();
    let frames = 0;
    let next = -1;
    let acks = 0;
    for (let ack = await session.ack(); ack !== undefined; ack = await session.ack(), acks++) {
      expect(ack).toMatchObject({ status: 0, recordsAppended: ack.frames, closed: false });
      if (next >= 0) expect(ack.startSequence).toBe(next);
      next = ack.startSequence + ack.frames;
      frames += ack.frames;
    }
    expect(frames).toBe(sent);
    expect(acks).toBeLessThan(sent / 4);
    const page = await createClient(server.url, 'protobuf').scan('key=s1-3&limit=3000');
    expect(page.values.map(({ value }) => value)).toEqual(Array.from({ length: 2000 }, (_, i) => `${10 * i + 3}`));
  });

  it('refuses what is wrong and takes the rest', async () => {
    const session = await open();
    const broken = Uint8Array.of(3, 0x0a, 0x01, 0x08);
    session.out.end(
      Buffer.concat([
        frame([['s2', 'a']]),
        broken,
        frame([]),
        frame([
          ['s2', 'b'],
          ['s2', 'c'],
        ]),
      ]),
    );
    const acks: (SessionAck | undefined)[] = [];
    for (let ack = await session.ack(); ack !== undefined; ack = await session.ack()) acks.push(ack);
    expect(acks).toMatchObject([
      { frames: 1, status: 0, recordsAppended: 1 },
      { frames: 1, status: 400, message: expect.stringContaining('protobuf') },
      { frames: 2, status: 0, recordsAppended: 2 },
    ]);
    const { values } = await createClient(server.url, 'json').scan('key=s2');
    expect(values.map(({ value }) => value)).toEqual(['a', 'b', 'c']);
  });

  it('ends where the frames cannot be told apart any more', async () => {
    const session = await open();
    session.out.write(Buffer.concat([frame([['s3', 'a']]), Buffer.alloc(20, 0xff)]));
    expect(await session.ack()).toMatchObject({ frames: 1, status: 0 });
    expect(await session.ack()).toMatchObject({ status: 400, closed: true });
    expect(await session.ack()).toBeUndefined();
    session.out.destroy();
    const half = await open();
    half.out.end(frame([['s3', 'b']]).subarray(0, 4));
    expect(await half.ack()).toMatchObject({ status: 400, closed: true, message: 'the stream ends within a request' });
    expect(await half.ack()).toBeUndefined();
  });

  it('acknowledges what is not to be durable without waiting, up to the first request that is', async () => {
    const session = await open();
    session.out.end(
      Buffer.concat([
        frame([
          ['s6', 'a'],
          ['s6', 'b'],
        ]),
        frame([['s6', 'c']]),
        frame([['s6', 'd']], true),
        frame([['s6', 'e']]),
      ]),
    );
    const first = await session.ack();
    expect(first).toMatchObject({ frames: 2, recordsAppended: 3 });
    const startSequence = first!.startSequence + 3;
    expect(await session.ack()).toMatchObject({ frames: 2, recordsAppended: 2, startSequence });
    expect(await session.ack()).toBeUndefined();
  });

  it('in order takes nothing behind the first refusal', async () => {
    const session = await open(server.url, LOG_SESSION_CONTENT_TYPE, '?ordered=true');
    session.out.write(Buffer.concat([frame([['s7', 'a']]), Uint8Array.of(3, 0x0a, 0x01, 0x08), frame([['s7', 'b']])]));
    expect(await session.ack()).toMatchObject({ frames: 1, status: 0, closed: false });
    expect(await session.ack()).toMatchObject({ frames: 1, status: 400, closed: true });
    expect(await session.ack()).toBeUndefined();
    session.out.destroy();
    const { values } = await createClient(server.url, 'json').scan('key=s7');
    expect(values.map(({ value }) => value)).toEqual(['a']);
  });

  it.each([
    ['', [1, 1, 1]],
    ['?ordered=true', [1, 1]],
  ])('acknowledges in order what had to wait for room before a wrong request%s', async (query, frames) => {
    const folder = temporaryFolder();
    const settings = join(folder.path, 'slatedb.yaml');
    const config = join(folder.path, 'log.yaml');
    writeFileSync(settings, 'max_unflushed_bytes: 65536\n');
    writeFileSync(config, `storage: {type: InMemory, commit_interval_ms: 1500, settings_path: '${settings}'}\n`);
    const own = await startServer(['--config', config]);
    const filling = await open(own.url);
    // The commit behind the first one comes after the interval; until then there is no room for more.
    filling.out.write(frame([['s8', 'x']], true));
    expect(await filling.ack()).toMatchObject({ status: 0 });
    filling.out.write(frame([['s8', 'x'.repeat(60_000)]]));
    const session = await open(own.url, LOG_SESSION_CONTENT_TYPE, query);
    session.out.end(
      Buffer.concat([frame([['s9', 'y'.repeat(10_000)]]), Uint8Array.of(3, 0x0a, 0x01, 0x08), frame([['s9', 'z']])]),
    );
    const acks: SessionAck[] = [];
    for (let ack = await session.ack(); ack !== undefined; ack = await session.ack()) acks.push(ack);
    expect(acks.map((ack) => ack.status)).toEqual([0, 400, 0].slice(0, frames.length));
    expect(acks.map((ack) => ack.frames)).toEqual(frames);
    const { values } = await createClient(own.url, 'json').scan('key=s9');
    expect(values.map(({ value }) => value[0])).toEqual(query === '' ? ['y', 'z'] : ['y']);
    filling.out.end();
    expect(await own.stop()).toBe(0);
    folder.remove();
  });

  it('survives clients that leave', async () => {
    for (let i = 0; i < 5; i++) {
      const session = await open();
      for (let k = 0; k < 100; k++) session.out.write(frame([['s4', 'x'.repeat(1000)]], true));
      session.response.on('error', () => undefined);
      session.out.on('error', () => undefined);
      session.out.destroy();
    }
    const session = await open();
    session.out.end(frame([['s4', 'last']], true));
    expect(await session.ack()).toMatchObject({ frames: 1, status: 0 });
  });

  it('tells at a stop what was taken, and leaves nothing behind that was not', async () => {
    const own = await startServer(['--in-memory']);
    const session = await open(own.url);
    session.out.write(frame([['s5', 'a']]));
    expect(await session.ack()).toMatchObject({ frames: 1, status: 0 });
    const stopped = own.stop();
    expect(await session.ack()).toMatchObject({ frames: 0, status: 503, closed: true });
    expect(await session.ack()).toBeUndefined();
    session.out.end();
    expect(await stopped).toBe(0);
  });

  it('needs its content type', async () => {
    const { response, out } = await open(server.url, 'application/json');
    expect(response.statusCode).toBe(415);
    out.destroy();
  });
});
