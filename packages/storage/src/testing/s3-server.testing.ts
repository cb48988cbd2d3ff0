import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { awsSignature } from '../aws-signature.ts';
import { listenOnLoopback, stopServer } from './loopback.testing.ts';
import { type Listing, type ListOptions, S3Listings } from './s3-listings.testing.ts';

/** An S3 server in this process, on a free port of 127.0.0.1, with its objects in a folder of its own. */
export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  readonly folder: string;
  /** What a client needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends every connection; the objects stay, so that the same folder and port can be started again. */
  stop(): Promise<void>;
  /** {@link stop}, and the objects go. */
  destroy(): Promise<void>;
}

export interface S3ServerOptions {
  readonly bucket?: string;
  /** false: a store that ignores `If-None-Match` and `If-Match`, as s3rver alone does. */
  readonly conditional?: boolean;
  readonly folder?: string;
  readonly port?: number;
}

interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly content: Buffer | AsyncIterable<Uint8Array>;
  readonly metadata: object;
}

interface S3rver {
  readonly store: {
    getResourcePath(bucket: string, key: string, resource: string): string;
    getMetadata(bucket: string, key: string): Promise<{ etag: string }>;
    putMetadata(bucket: string, key: string, metadata: object, md5: string): Promise<void>;
    putObject(object: StoredObject): Promise<{ size: number; md5: string }>;
    deleteObject(bucket: string, key: string): Promise<void>;
    listObjects(bucket: string, options: ListOptions): Promise<Listing>;
  };
  configureBuckets(): Promise<unknown>;
  getMiddleware(): RequestListener;
}

/** The one account of s3rver. */
const accessKeyId = 'S3RVER';
const secretAccessKey = 'S3RVER';

const require = createRequire(import.meta.url);

/**
 * s3rver with what it lacks to be a store to test against: conditional puts, puts that appear whole or not at all, and
 * signatures (version 4) that are looked at.
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { bucket = 'test-bucket', conditional = true } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'opendata-s3-')));
  const S3rver = require('s3rver') as new (options: object) => S3rver;
  const s3rver = new S3rver({ directory: folder, silent: true, configureBuckets: [{ name: bucket }] });
  await s3rver.configureBuckets();
  makeAtomic(s3rver.store);

  const handle = s3rver.getMiddleware();
  const front = conditional ? conditionalFront(s3rver, handle) : handle;
  const server = createServer((request, response) => {
    if (isSignedRightly(request)) front(request, response);
    else refuse(request, response, 403, 'SignatureDoesNotMatch');
  });
  const port = await listenOnLoopback(server, options.port);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    port,
    bucket,
    folder,
    env: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ALLOW_HTTP: 'true',
    },
    stop: () => stopServer(server),
    destroy: async () => {
      await stopServer(server);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Puts, deletes and listings one after the other, and a put only once its whole body is here. */
function makeAtomic(store: S3rver['store']): void {
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const { deleteObject, listObjects } = store;
  const listings = new S3Listings(async (bucket) => (await listObjects.call(store, bucket, {})).objects);
  store.deleteObject = (bucket, key) =>
    alone(async () => {
      await deleteObject.call(store, bucket, key);
      listings.remove(bucket, key);
    });
  store.listObjects = (bucket, options) => alone(() => listings.list(bucket, options));
  store.putObject = async (object) => {
    const body = Buffer.isBuffer(object.content) ? object.content : await bodyOf(object.content);
    return alone(async () => {
      const put = await putWhole(store, object, body);
      listings.put(object.bucket, object.key, put.size, put.md5);
      return put;
    });
  };
}

async function bodyOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

let uploads = 0;

/** The file appears by its renaming, after everything that belongs to it. */
async function putWhole(
  store: S3rver['store'],
  object: StoredObject,
  body: Buffer,
): Promise<{ size: number; md5: string }> {
  const md5 = createHash('md5').update(body).digest('hex');
  const file = store.getResourcePath(object.bucket, object.key, 'object');
  await mkdir(dirname(file), { recursive: true });
  const upload = join(dirname(file), `._upload-${++uploads}`);
  await writeFile(upload, body);
  await store.putMetadata(object.bucket, object.key, object.metadata, md5);
  await rename(upload, file);
  return { size: body.length, md5 };
}

/** `If-None-Match: *` and `If-Match` of PUT, with one request at a time for each key. */
function conditionalFront(s3rver: S3rver, handle: RequestListener): RequestListener {
  const locks = new Map<string, Promise<void>>();
  return (request, response) => {
    if (request.method !== 'PUT' && request.method !== 'DELETE') {
      handle(request, response);
      return;
    }
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const turn = (locks.get(path) ?? Promise.resolve()).then(() =>
      conditionalPut(s3rver, handle, path, request, response),
    );
    locks.set(path, turn);
    void turn.then(() => {
      if (locks.get(path) === turn) locks.delete(path);
    });
  };
}

async function conditionalPut(
  s3rver: S3rver,
  handle: RequestListener,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (response.destroyed) return;
  const finished = new Promise<void>((resolve) => response.once('close', resolve));
  const ifNoneMatch = request.headers['if-none-match'];
  const ifMatch = request.headers['if-match'];
  if (request.method === 'PUT' && (ifNoneMatch !== undefined || ifMatch !== undefined)) {
    const [bucket, ...key] = path.slice(1).split('/').map(decodeURIComponent);
    const etag = await s3rver.store.getMetadata(bucket!, key.join('/')).then(
      (metadata) => metadata.etag,
      () => undefined,
    );
    if ((ifNoneMatch === '*' && etag !== undefined) || (ifMatch !== undefined && ifMatch !== etag)) {
      refuse(request, response, 412, 'PreconditionFailed');
      await finished;
      return;
    }
  }
  handle(request, response);
  await finished;
}

/** Requests with another key, or none, are left to s3rver to refuse. */
function isSignedRightly(request: IncomingMessage): boolean {
  const authorization = request.headers.authorization ?? '';
  const match = /Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
    authorization,
  );
  if (match === null || match[1] !== accessKeyId) return true;
  const [, , region, names, signature] = match;
  const headers = Object.fromEntries(names!.split(';').map((name) => [name, String(request.headers[name] ?? '')]));
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const bodySha256 = String(request.headers['x-amz-content-sha256']);
  return (
    awsSignature({ method: request.method ?? '', url, headers, bodySha256 }, region!, secretAccessKey) === signature
  );
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, code: string): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>refused</Message></Error>`);
}
