import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AwsObjectStoreConfig } from './config.ts';
import type { StorageError } from './errors.ts';
import { objectStoreTarget } from './object-store.ts';
import { type PreflightOptions, preflightObjectStore } from './preflight.ts';
import { type FaultProxy, startFaultProxy } from './testing/fault-proxy.testing.ts';
import { listenOnLoopback, stopServer } from './testing/loopback.testing.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

let s3: S3Server;
let plainS3: S3Server;
let proxy: FaultProxy;
let folder: string;

beforeAll(async () => {
  s3 = await startS3Server();
  plainS3 = await startS3Server({ conditional: false });
  proxy = await startFaultProxy(s3.endpoint);
  folder = await mkdtemp(join(tmpdir(), 'opendata-preflight-'));
});
afterAll(async () => {
  await proxy.stop();
  await s3.destroy();
  await plainS3.destroy();
  await rm(folder, { recursive: true });
});

type Overrides = { env?: Record<string, string | undefined>; store?: Partial<AwsObjectStoreConfig> };

function check({ env = {}, store = {} }: Overrides = {}, options: PreflightOptions = {}) {
  const all = { ...s3.env, ...env };
  const object_store = { type: 'Aws', bucket: s3.bucket, ...store } as const;
  return preflightObjectStore(objectStoreTarget({ type: 'SlateDb', path: 'a/b', object_store }, all), {
    env: all,
    timeoutMs: 5_000,
    ...options,
  });
}

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  return promise.then(
    () => expect.fail('no error'),
    (error: StorageError) => error,
  );
}

describe('preflight of a bucket', () => {
  it('passes and leaves nothing behind', async () => {
    expect(await check()).toEqual({ warnings: [], isEmpty: true });
    const left = await readdir(join(s3.folder, s3.bucket), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  it.each<[string, Overrides, object, RegExp]>([
    [
      'a missing bucket',
      { store: { bucket: 'not-there' } },
      { code: 'config', details: { reason: 'missing_bucket' } },
      /^s3:\/\/not-there\/a\/b at http:.*: the bucket does not exist at this endpoint \(listing .* 404 NoSuchBucket\)$/,
    ],
    [
      'an unknown key',
      { env: { AWS_ACCESS_KEY_ID: 'nobody' } },
      { code: 'config', details: { reason: 'credentials' } },
      /credentials are wrong or have expired \(.* 403 InvalidAccessKeyId\)$/,
    ],
    [
      'a wrong secret',
      { env: { AWS_SECRET_ACCESS_KEY: 'wrong' } },
      { code: 'config', details: { reason: 'credentials' } },
      /credentials are wrong or have expired \(.* 403 SignatureDoesNotMatch\)$/,
    ],
    [
      'nobody listening',
      { store: { endpoint: 'http://127.0.0.1:21199' } },
      { code: 'unavailable', retryable: true, details: { reason: 'unreachable' } },
      /cannot be reached: the connection was refused \(ECONNREFUSED\)$/,
    ],
    [
      'an unknown host',
      { store: { endpoint: 'http://nowhere.invalid:9000' } },
      { code: 'unavailable', retryable: true },
      /http:\/\/nowhere\.invalid:9000/,
    ],
    [
      'a web identity whose token file is missing',
      {
        env: {
          AWS_ACCESS_KEY_ID: undefined,
          AWS_SECRET_ACCESS_KEY: undefined,
          AWS_WEB_IDENTITY_TOKEN_FILE: '/absent/token',
          AWS_ROLE_ARN: 'arn:aws:iam::1:role/x',
        },
      },
      { code: 'config', details: { reason: 'credentials' } },
      /no credentials from web identity .*: \/absent\/token cannot be read \(ENOENT\)$/,
    ],
  ])('refuses %s', async (_name, overrides, expected, message) => {
    const error = await failureOf(check(overrides));
    expect(error).toMatchObject(expected);
    expect(error.message).toMatch(message);
  });

  it('refuses a store that ignores If-None-Match, and cleans up', async () => {
    const error = await failureOf(check({ store: { endpoint: plainS3.endpoint } }));
    expect(error).toMatchObject({ code: 'config', details: { reason: 'no_conditional_put' } });
    expect(error.message).toMatch(/does not do conditional puts \(If-None-Match: \*\): it overwrote an object/);
    const left = await readdir(join(plainS3.folder, plainS3.bucket), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  it('passes beside a database that is there already', async () => {
    const own = await startS3Server();
    const target = objectStoreTarget(
      { type: 'SlateDb', path: 'a/b', object_store: { type: 'Aws', bucket: own.bucket } },
      own.env,
    );
    await mkdir(join(own.folder, own.bucket, 'a', 'b', 'wal'), { recursive: true });
    for (const name of ['1', '2']) {
      await writeFile(join(own.folder, own.bucket, 'a', 'b', 'wal', `${name}.sst._S3rver_object`), 'x');
    }
    expect(await preflightObjectStore(target, { env: own.env })).toMatchObject({ warnings: [] });
    await own.destroy();
  });

  it('asks a reader only for a list and the format file', async () => {
    proxy.resetCounts();
    expect(await check({ store: { endpoint: plainS3.endpoint } }, { readOnly: true })).toMatchObject({ warnings: [] });
    await check({ store: { endpoint: proxy.endpoint } }, { readOnly: true });
    expect([proxy.count(), proxy.count({ method: 'GET' })]).toEqual([2, 2]);
  });

  it('gives up at the deadline when nothing answers', async () => {
    proxy.setFault({ kind: 'blackhole' });
    const error = await failureOf(check({ store: { endpoint: proxy.endpoint } }, { timeoutMs: 300 }));
    proxy.setFault(undefined);
    expect(error).toMatchObject({ code: 'unavailable', details: { reason: 'timeout' } });
    expect(error.message).toMatch(/no answer within the deadline/);
  });

  it('gets over a short disturbance, and says what a long one is', async () => {
    let failures = 2;
    proxy.setFault(() => (failures-- > 0 ? { kind: failures === 1 ? 'status' : 'reset', status: 503 } : undefined));
    expect(await check({ store: { endpoint: proxy.endpoint } })).toMatchObject({ warnings: [] });
    proxy.setFault({ kind: 'status', status: 503 });
    const error = await failureOf(check({ store: { endpoint: proxy.endpoint } }));
    proxy.setFault(undefined);
    expect(error).toMatchObject({ code: 'unavailable', details: { reason: 'answer', status: 503 } });
  });

  it('survives the loss of the answer to its own first put', async () => {
    let lost = false;
    proxy.setFault(({ method }) => {
      if (method !== 'PUT' || lost) return undefined;
      lost = true;
      return { kind: 'lostAnswer' };
    });
    const result = check({ store: { endpoint: proxy.endpoint } });
    expect(await result.finally(() => proxy.setFault(undefined))).toMatchObject({ warnings: [] });
  });

  it.each([
    [
      'PUT',
      403,
      { code: 'config', details: { reason: 'access_denied' } },
      /do not permit this \(writing \(s3:PutObject\)/,
    ],
    [
      'GET',
      403,
      { code: 'config', details: { reason: 'access_denied' } },
      /do not permit this \(listing \(s3:ListBucket\)/,
    ],
    ['GET', 301, { code: 'config', details: { reason: 'wrong_region' } }, /another region/],
    ['PUT', 501, { code: 'config', details: { reason: 'no_conditional_put' } }, /does not do conditional puts/],
  ])('%s answered with %i', async (method, status, expected, message) => {
    proxy.setFault((request) => (request.method === method ? { kind: 'status', status } : undefined));
    const error = await failureOf(check({ store: { endpoint: proxy.endpoint } }));
    proxy.setFault(undefined);
    expect(error).toMatchObject(expected);
    expect(error.message).toMatch(message);
  });

  it('warns where deleting is not permitted', async () => {
    proxy.setFault(({ method }) => (method === 'DELETE' ? { kind: 'status', status: 403 } : undefined));
    const { warnings } = await check({ store: { endpoint: proxy.endpoint } });
    proxy.setFault(undefined);
    expect(warnings).toEqual([expect.stringMatching(/does not permit deleting \(s3:DeleteObject\)/)]);
  });

  it('says that it cannot check through an HTTP proxy', async () => {
    const { warnings } = await check({ env: { http_proxy: 'http://127.0.0.1:1' } });
    expect(warnings).toEqual([expect.stringMatching(/was not checked: .* proxy of http_proxy$/)]);
    expect(await check({ env: { http_proxy: 'http://127.0.0.1:1', NO_PROXY: 'example.com,127.0.0.1' } })).toMatchObject(
      {
        warnings: [],
      },
    );
  });

  it('takes temporary credentials from a token service and from a container endpoint', async () => {
    const seen: string[] = [];
    const service = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push(`${request.method} ${request.headers.authorization ?? ''} ${body}`);
      const json = { AccessKeyId: 'S3RVER', SecretAccessKey: 'S3RVER', Token: 'session' };
      const xml =
        '<R><Credentials><AccessKeyId>S3RVER</AccessKeyId><SecretAccessKey>S3RVER</SecretAccessKey>' +
        '<SessionToken>session</SessionToken></Credentials></R>';
      response.end(request.method === 'POST' ? xml : JSON.stringify(json));
    });
    const url = `http://127.0.0.1:${await listenOnLoopback(service)}/`;
    const token = join(folder, 'token');
    await writeFile(token, 'identity\n');
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const irsa = { ...none, AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:r', AWS_ROLE_SESSION_NAME: 'me' };
    const pod = {
      ...none,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
    };
    try {
      expect(await check({ env: irsa }, { stsEndpoint: url })).toMatchObject({ warnings: [] });
      expect(await check({ env: pod })).toMatchObject({ warnings: [] });
    } finally {
      await stopServer(service);
    }
    expect(seen).toEqual([
      'POST  Action=AssumeRoleWithWebIdentity&DurationSeconds=3600&RoleArn=arn%3Ar&RoleSessionName=me' +
        '&Version=2011-06-15&WebIdentityToken=identity',
      'GET identity ',
    ]);
  });
});

describe('preflight of other stores', () => {
  const local = (path: string) =>
    objectStoreTarget({ type: 'SlateDb', path: 'db', object_store: { type: 'Local', path } });

  it('makes the folder of a Local store', async () => {
    await preflightObjectStore(local(join(folder, 'new', 'deep')));
    expect(await readdir(join(folder, 'new', 'deep'))).toEqual([]);
  });

  it('refuses a Local store that is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    const error = await failureOf(preflightObjectStore(local(join(folder, 'file'))));
    expect(error).toMatchObject({ code: 'config', details: { reason: 'not_writable' } });
  });

  it('refuses a disk cache that is a file', async () => {
    const target = objectStoreTarget({ type: 'InMemory' });
    const error = await failureOf(preflightObjectStore(target, { cacheFolder: '/dev/null/cache' }));
    expect(error.message).toMatch(/^the disk cache \(root_folder\): \/dev\/null\/cache is not a folder that/);
  });

  it('asks an Azure endpoint for any answer', async () => {
    const object_store = { type: 'Azure', container: 'abc', account: 'me', allow_http: true } as const;
    const at = (endpoint: string) =>
      objectStoreTarget({ type: 'SlateDb', path: 'db', object_store: { ...object_store, endpoint } }, {});
    expect(await preflightObjectStore(at(s3.endpoint), { env: {} })).toMatchObject({ warnings: [] });
    const error = await failureOf(preflightObjectStore(at('http://127.0.0.1:21199'), { env: {} }));
    expect(error).toMatchObject({ code: 'unavailable', details: { reason: 'unreachable' } });
  });
});
