import { Agent, createServer, request as httpRequest } from 'node:http';

/**
 * Passes everything on to an S3 server and counts it by operation.
 *
 * @returns {Promise<{endpoint: string, counts: Map<string, {requests: number, sentBytes: number, receivedBytes: number}>,
 *   reset(): void, stop(): void}>} the keys of `counts` are `OPERATION kind`, such as `PUT wal`; bytes are of bodies, as
 *   the store's client sees them
 */
export async function startCountingProxy(target) {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const counts = new Map();
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const key = `${operationOf(method, path)} ${kindOf(path)}`;
    let count = counts.get(key);
    if (count === undefined) counts.set(key, (count = { requests: 0, sentBytes: 0, receivedBytes: 0 }));
    count.requests++;
    request.on('data', (chunk) => (count.sentBytes += chunk.length));
    const upstream = httpRequest({ agent, hostname, port, method, path, headers });
    request.pipe(upstream);
    upstream.on('error', () => response.destroy());
    upstream.on('response', (answer) => {
      answer.on('data', (chunk) => (count.receivedBytes += chunk.length));
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    counts,
    reset: () => counts.clear(),
    stop: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}

/** What S3 bills it as. */
function operationOf(method, path) {
  if (method === 'GET' && /[?&](list-type|prefix)=/.test(path)) return 'LIST';
  if (method === 'POST' && /[?&]delete/.test(path)) return 'DELETE';
  if (method === 'POST') return 'PUT';
  return method === 'HEAD' ? 'GET' : method;
}

/** Which part of the database it is for: `manifest`, `wal`, `compacted`, `compactions`, `gc` … */
function kindOf(path) {
  const text = decodeURIComponent(path);
  return /[/=&](manifest|wal|compacted|compactions|gc|preflight)(?:[/&]|$)/.exec(text)?.[1] ?? 'other';
}
