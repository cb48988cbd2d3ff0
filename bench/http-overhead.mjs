/**
 * What the server runtime costs a small request: bare node:http, bare Fastify, our server with a Fastify route, our
 * server with a raw route. Each runs as a process of its own and gets the same POSTs over keep-alive connections; the
 * figure is the server's CPU time a request.
 *
 *   node bench/http-overhead.mjs [connections=64] [seconds=3] [rounds=3]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { createHttpServer, createLogger, createRegistry, sendBytes } from '../packages/server/dist/index.js';

const ANSWER = Buffer.from('{"status":"success","recordsAppended":1,"startSequence":42}');
const BODY = Buffer.alloc(1024, 0x61);
const PORT = Number(process.env.BENCH_PORT ?? 21250);

const servers = {
  'node:http': async () => {
    const server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length });
        response.end(ANSWER);
      });
    });
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
  },
  fastify: async () => {
    const app = Fastify();
    app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    app.post('/append', (_request, reply) => {
      reply.type('application/json').send(ANSWER);
    });
    await app.listen({ port: PORT, host: '127.0.0.1' });
  },
  'ours, Fastify route': async () => {
    const http = ours();
    http.app.post('/append', (_request, reply) => {
      reply.type('application/json').send(ANSWER);
    });
    await http.listen(PORT, '127.0.0.1');
  },
  'ours, raw route': async () => {
    const handle = (_request, _body, response) => sendBytes(response, 200, 'application/json', ANSWER);
    await ours([{ method: 'POST', path: '/append', handle }]).listen(PORT, '127.0.0.1');
  },
};

function ours(rawRoutes = []) {
  return createHttpServer({ registry: createRegistry(), logger: createLogger({ service: 'bench' }), rawRoutes });
}

async function serve(kind) {
  await servers[kind]();
  process.on('message', (message) => {
    if (message === 'cpu') process.send(process.cpuUsage());
    else process.exit();
  });
  process.send('ready');
}

/** One connection: the next request goes out when the whole answer to the last is in. */
function drive(state) {
  const head = `POST /append HTTP/1.1\r\nHost: bench\r\nContent-Type: application/octet-stream\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  const request = Buffer.concat([Buffer.from(head), BODY]);
  const socket = connect(PORT, '127.0.0.1');
  let waiting = -1;
  socket.on('error', () => {});
  socket.on('connect', () => socket.write(request));
  socket.on('data', (chunk) => {
    if (waiting < 0) {
      const end = chunk.indexOf('\r\n\r\n') + 4;
      waiting = end + ANSWER.length;
    }
    waiting -= chunk.length;
    if (waiting > 0) return;
    waiting = -1;
    state.requests++;
    if (!state.stop) socket.write(request);
    else socket.destroy();
  });
}

async function measure(kind, connections, seconds) {
  const child = fork(import.meta.filename, ['serve', kind]);
  await once(child, 'message');
  const state = { requests: 0, stop: false };
  for (let i = 0; i < connections; i++) drive(state);
  await sleep(1000);
  const cpu = async () => {
    child.send('cpu');
    const [{ user, system }] = await once(child, 'message');
    return user + system;
  };
  const before = { cpu: await cpu(), requests: state.requests, ms: performance.now() };
  await sleep(seconds * 1000);
  const after = { cpu: await cpu(), requests: state.requests, ms: performance.now() };
  state.stop = true;
  child.send('exit');
  await once(child, 'exit');
  const requests = after.requests - before.requests;
  return {
    cpuUs: (after.cpu - before.cpu) / requests,
    perSecond: (requests * 1000) / (after.ms - before.ms),
  };
}

if (process.argv[2] === 'serve') {
  await serve(process.argv[3]);
} else {
  const [connections = 64, seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(servers)) {
      const result = await measure(kind, connections, seconds);
      if (!best[kind] || result.cpuUs < best[kind].cpuUs) best[kind] = result;
    }
  }
  console.log(`POST of ${BODY.length} bytes, ${connections} connections, best of ${rounds} x ${seconds} s`);
  for (const [kind, { cpuUs, perSecond }] of Object.entries(best)) {
    console.log(
      `${kind.padEnd(22)} ${cpuUs.toFixed(1).padStart(6)} us CPU/request ${perSecond.toFixed(0).padStart(8)} requests/s`,
    );
  }
}
