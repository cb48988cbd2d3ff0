import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keyOfObject } from './cluster.ts';
import type { KubernetesObject } from './objects.ts';

/*
 * The part of a Kubernetes API server that discoveries use, over HTTP: lists in pages, watches from a version on with
 * bookmarks, label and field selectors of equality, namespaces, bearer tokens, and versions that are gone.
 */

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  nodes: ['v1', 'Node'],
  services: ['v1', 'Service'],
  pods: ['v1', 'Pod'],
  endpoints: ['v1', 'Endpoints'],
  endpointslices: ['discovery.k8s.io/v1', 'EndpointSlice'],
  ingresses: ['networking.k8s.io/v1', 'Ingress'],
};

interface Event {
  readonly version: number;
  readonly resource: string;
  readonly type: string;
  readonly object: KubernetesObject;
}

interface Watch {
  readonly response: ServerResponse;
  readonly resource: string;
  readonly takes: (object: KubernetesObject) => boolean;
}

export interface ApiServer {
  readonly url: string;
  /** Path and query of every request so far. */
  readonly requests: string[];
  /** Adds or replaces an object. */
  apply(resource: string, object: KubernetesObject): void;
  remove(resource: string, object: KubernetesObject): void;
  /** Ends every watch, as the server does every few minutes. */
  endWatches(): void;
  /** Forgets what happened before: who goes on from there is told that it is gone. */
  compact(): void;
  /** While it is set every request is answered so. */
  failWith(status: number | undefined): void;
  close(): void;
}

export async function startApiServer(
  options: { readonly token?: string; readonly pageObjects?: number } = {},
): Promise<ApiServer> {
  const stores = new Map(Object.keys(KINDS).map((resource) => [resource, new Map<string, KubernetesObject>()]));
  const requests: string[] = [];
  const watches = new Set<Watch>();
  let events: Event[] = [];
  let version = 1;
  let compactedAt = 0;
  let failure: number | undefined;

  const record = (resource: string, type: string, object: KubernetesObject): void => {
    const [apiVersion, kind] = KINDS[resource]!;
    const metadata = { ...object.metadata, resourceVersion: String(++version) };
    const full = { apiVersion, kind, ...object, metadata };
    if (type === 'DELETED') stores.get(resource)!.delete(keyOfObject(object));
    else stores.get(resource)!.set(keyOfObject(object), full);
    const event = { version, resource, type, object: full };
    events.push(event);
    for (const watch of watches) sendEvent(watch, event);
  };

  const sendEvent = (watch: Watch, { resource, type, object }: Event): void => {
    if (watch.resource === resource && watch.takes(object))
      watch.response.write(`${JSON.stringify({ type, object })}\n`);
  };

  const answerWatch = (
    resource: string,
    query: URLSearchParams,
    takes: Watch['takes'],
    response: ServerResponse,
  ): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const from = Number(query.get('resourceVersion') ?? 0);
    if (from < compactedAt) {
      const object = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        message: 'too old',
      };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const watch = { response, resource, takes };
    for (const event of events) if (event.version > from) sendEvent(watch, event);
    const [apiVersion, kind] = KINDS[resource]!;
    const bookmark = { apiVersion, kind, metadata: { resourceVersion: String(version) } };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
    watches.add(watch);
    response.once('close', () => watches.delete(watch));
  };

  const answerList = (
    resource: string,
    query: URLSearchParams,
    takes: Watch['takes'],
    response: ServerResponse,
  ): void => {
    const all = [...stores.get(resource)!.values()].filter(takes);
    const limit = Math.min(Number(query.get('limit') ?? 500), options.pageObjects ?? 500);
    const start = Number(query.get('continue') ?? 0);
    const items = all.slice(start, start + limit);
    const isLast = start + limit >= all.length;
    const metadata = { resourceVersion: String(version), ...(!isLast && { continue: String(start + limit) }) };
    const [apiVersion, kind] = KINDS[resource]!;
    sendJson(response, 200, { apiVersion, kind: `${kind}List`, metadata, items });
  };

  const server = createServer((request, response) => {
    requests.push(request.url!);
    if (failure !== undefined) return refuse(response, failure, 'failing');
    if (!isAllowed(request, options.token)) return refuse(response, 401, 'Unauthorized');
    const url = new URL(request.url!, 'http://localhost');
    if (url.pathname === '/version') return sendJson(response, 200, { major: '1', minor: '31', gitVersion: 'v1.31.0' });
    const match = /^\/(?:api\/v1|apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+))?\/(\w+)$/.exec(url.pathname);
    const resource = match?.[2] ?? '';
    if (KINDS[resource] === undefined) return refuse(response, 404, 'the server could not find the requested resource');
    const { searchParams: query } = url;
    // Lists that are streamed are a feature that a server may be without.
    if (query.get('sendInitialEvents') === 'true') return refuse(response, 422, 'sendInitialEvents is forbidden');
    const takes = (object: KubernetesObject): boolean =>
      (match?.[1] === undefined || object.metadata?.namespace === match[1]) &&
      isSelected(query.get('labelSelector'), (name) => object.metadata?.labels?.[name]) &&
      isSelected(query.get('fieldSelector'), (path) => fieldOf(object, path));
    if (['1', 'true'].includes(query.get('watch') ?? '')) answerWatch(resource, query, takes, response);
    else answerList(resource, query, takes, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    apply(resource, object) {
      record(resource, stores.get(resource)!.has(keyOfObject(object)) ? 'MODIFIED' : 'ADDED', object);
    },
    remove: (resource, object) => record(resource, 'DELETED', object),
    endWatches() {
      for (const { response } of watches) response.end();
      watches.clear();
    },
    compact() {
      events = [];
      compactedAt = ++version;
    },
    failWith(status) {
      failure = status;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function isAllowed({ headers }: IncomingMessage, token: string | undefined): boolean {
  return token === undefined || headers.authorization === `Bearer ${token}`;
}

function isSelected(selector: string | null, read: (name: string) => unknown): boolean {
  return (selector ?? '').split(',').every((term) => {
    if (term === '') return true;
    const [name, value] = term.split('=');
    return read(name!) === value;
  });
}

function fieldOf(object: KubernetesObject, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);
}

function refuse(response: ServerResponse, code: number, message: string): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message, reason: 'Invalid' });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
