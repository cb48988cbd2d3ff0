import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface GcsFront {
  readonly url: string;
  stop(): void;
}

/**
 * Stands before fake-gcs-server, whose XML API reads, lists and deletes but does not put: a PUT of the XML API, which the
 * storage engine speaks, goes on as an upload of the JSON API, its condition included.
 */
export async function startGcsFront(upstream: string): Promise<GcsFront> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const handled =
      incoming.method === 'PUT' ? put(upstream, incoming, outgoing) : pass(upstream, agent, incoming, outgoing);
    handled.catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}

async function put(upstream: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, bucket, ...key] = new URL(incoming.url!, upstream).pathname.split('/');
  const query = new URLSearchParams({ uploadType: 'media', name: decodeURIComponent(key.join('/')) });
  const generation = incoming.headers['x-goog-if-generation-match'];
  if (typeof generation === 'string') query.set('ifGenerationMatch', generation);
  const answer = await fetch(`${upstream}/upload/storage/v1/b/${bucket}/o?${query}`, {
    method: 'POST',
    headers: { 'content-type': incoming.headers['content-type'] ?? 'application/octet-stream' },
    body: new Uint8Array(await buffer(incoming)),
  });
  if (!answer.ok) {
    outgoing.writeHead(answer.status).end(await answer.text());
    return;
  }
  const { etag, generation: stored } = (await answer.json()) as { etag: string; generation: string };
  outgoing.writeHead(200, { etag: `"${etag}"`, 'x-goog-generation': stored }).end();
}

async function pass(
  upstream: string,
  agent: Agent,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method } = incoming;
  // It looks at the host that it was asked by.
  const headers = { ...incoming.headers, host: new URL(upstream).host };
  const sent = request(`${upstream}${incoming.url}`, { agent, method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(outgoing);
  });
  sent.on('error', () => outgoing.destroy());
  incoming.pipe(sent);
}
