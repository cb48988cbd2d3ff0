import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ObjectStoreConfig } from './config.ts';
import type { StorageError } from './errors.ts';
import { type Environment, objectStoreTarget } from './object-store.ts';

const target = (object_store: ObjectStoreConfig, env: Environment = {}) =>
  objectStoreTarget({ type: 'SlateDb', path: 'p', object_store }, env);
const aws = (store: object = {}, env: Environment = {}) => target({ type: 'Aws', bucket: 'bkt', ...store }, env);

function reasonOf(run: () => unknown): { code: string; reason: unknown; message: string } | undefined {
  try {
    run();
  } catch (error) {
    const { code, details, message } = error as StorageError;
    return { code, reason: details['reason'], message };
  }
  return undefined;
}

describe('Aws', () => {
  it.each<[string, object, Environment, string]>([
    ['nothing', {}, {}, 'us-east-1'],
    ['AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'a' }, 'a'],
    ['AWS_REGION before AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'a', AWS_REGION: 'b' }, 'b'],
    ['configuration before AWS_REGION', { region: 'c' }, { AWS_REGION: 'b' }, 'c'],
    ['an empty variable is none', {}, { AWS_DEFAULT_REGION: 'a', AWS_REGION: ' ' }, 'a'],
  ])('region: %s', (_name, store, env, region) => {
    const { env: set, aws: details } = aws(store, env);
    expect([set['AWS_REGION'], details?.region]).toEqual([region, region]);
    expect(set).toHaveProperty('AWS_DEFAULT_REGION', undefined);
  });

  it.each<[string, object, Environment, string | undefined]>([
    ['nothing', {}, {}, undefined],
    ['AWS_ENDPOINT', {}, { AWS_ENDPOINT: 'https://a' }, 'https://a'],
    ['AWS_ENDPOINT_URL', {}, { AWS_ENDPOINT: 'https://a', AWS_ENDPOINT_URL: 'https://b' }, 'https://b'],
    ['AWS_ENDPOINT_URL_S3', {}, { AWS_ENDPOINT_URL: 'https://b', AWS_ENDPOINT_URL_S3: 'https://c/' }, 'https://c'],
    ['configuration', { endpoint: 'https://d' }, { AWS_ENDPOINT_URL_S3: 'https://c' }, 'https://d'],
  ])('endpoint: %s', (_name, store, env, endpoint) => {
    const { env: set, aws: details } = aws(store, env);
    expect(set['AWS_ENDPOINT']).toBe(endpoint);
    expect(set['AWS_ENDPOINT_URL']).toBeUndefined();
    expect(details?.bucketUrl).toBe(`${endpoint ?? 'https://s3.us-east-1.amazonaws.com'}/bkt`);
  });

  it('permits plain HTTP only when told', () => {
    const endpoint = 'http://localhost:9000';
    expect(reasonOf(() => aws({ endpoint }))).toEqual({
      code: 'config',
      reason: 'plain_http',
      message:
        "object_store: http://localhost:9000 is plain HTTP: everything, keys included, would travel unencrypted. Use https, or permit it with 'allow_http: true' or AWS_ALLOW_HTTP=true",
    });
    expect(aws({ endpoint, allow_http: true }).env['AWS_ALLOW_HTTP']).toBe('true');
    expect(aws({ endpoint }, { AWS_ALLOW_HTTP: 'TRUE' }).env['AWS_ALLOW_HTTP']).toBe('true');
    expect(reasonOf(() => aws({ endpoint, allow_http: false }, { AWS_ALLOW_HTTP: '1' }))).toBeDefined();
    expect(aws({ endpoint: 'https://x' }).env['AWS_ALLOW_HTTP']).toBe('false');
  });

  it('knows virtual-hosted style', () => {
    const hosted = { virtual_hosted_style: true };
    expect(aws(hosted).aws?.bucketUrl).toBe('https://bkt.s3.us-east-1.amazonaws.com');
    expect(aws({ ...hosted, endpoint: 'https://s3.example.com' }).env['AWS_ENDPOINT']).toBe(
      'https://bkt.s3.example.com',
    );
    expect(aws({ endpoint: 'https://bkt.x.com' }, { AWS_VIRTUAL_HOSTED_STYLE_REQUEST: 'true' }).env).toMatchObject({
      AWS_ENDPOINT: 'https://bkt.x.com',
      AWS_VIRTUAL_HOSTED_STYLE_REQUEST: 'true',
    });
    expect(reasonOf(() => aws({ ...hosted, endpoint: 'https://10.0.0.1:9000' }))).toMatchObject({
      code: 'config',
      reason: 'endpoint',
    });
  });

  it('refuses half of a key pair and a broken endpoint', () => {
    expect(reasonOf(() => aws({}, { AWS_ACCESS_KEY_ID: 'x' }))).toMatchObject({
      code: 'config',
      reason: 'credentials',
    });
    expect(reasonOf(() => aws({}, { AWS_SECRET_ACCESS_KEY: 'x' }))).toMatchObject({
      code: 'config',
      reason: 'credentials',
    });
    const broken = reasonOf(() => aws({}, { AWS_ENDPOINT: 'https://me:secret@x' }));
    expect(broken).toMatchObject({ code: 'config', reason: 'endpoint' });
    expect(broken?.message).not.toContain('secret');
  });

  it('hides what would change the store by accident, and nothing else', () => {
    const { env } = aws(
      {},
      {
        TOKEN: 'meant for another',
        Timeout: '30',
        bucket: 'other',
        AWS_BUCKET: 'other',
        aws_region: 'mars',
        AWS_TOKEN: 'session',
        AWS_ROLE_ARN: 'arn',
        AWS_STS_REGIONAL_ENDPOINTS: '',
        HOME: '/root',
        HTTPS_PROXY: 'http://proxy',
      },
    );
    const hidden = Object.keys(env).filter((name) => env[name] === undefined);
    expect(hidden).toEqual(
      expect.arrayContaining([
        'TOKEN',
        'Timeout',
        'bucket',
        'AWS_BUCKET',
        'aws_region',
        'AWS_TOKEN',
        'AWS_STS_REGIONAL_ENDPOINTS',
      ]),
    );
    expect(env).not.toHaveProperty('HOME');
    expect(env).not.toHaveProperty('HTTPS_PROXY');
    expect(env).toMatchObject({ AWS_ROLE_ARN: 'arn', AWS_SESSION_TOKEN: 'session', AWS_CONDITIONAL_PUT: 'etag' });
  });

  it('names the store without secrets', () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'hush', AWS_SESSION_TOKEN: 'quiet' };
    expect(aws({ region: 'eu-west-1' }, env).description).toBe('s3://bkt/p in eu-west-1');
    expect(aws({ endpoint: 'https://minio:9000' }, env).description).toBe('s3://bkt/p at https://minio:9000');
  });
});

describe('other stores', () => {
  it('memory', () => {
    expect(objectStoreTarget({ type: 'InMemory' })).toMatchObject({ url: 'memory:///', isRemote: false, env: {} });
    expect(target({ type: 'InMemory' })).toMatchObject({ url: 'memory:///', path: 'p', isRemote: false });
  });

  it('Local: relative to the working directory, any characters', () => {
    expect(target({ type: 'Local', path: '.data' })).toMatchObject({
      folder: resolve('.data'),
      url: `file://${resolve('.data')}`,
      isRemote: false,
    });
    expect(target({ type: 'Local', path: '/tmp/a b%c#' }).url).toBe('file:///tmp/a%20b%25c%23');
  });

  it('Gcp', () => {
    expect(
      target({ type: 'Gcp', bucket: 'bkt' }, { GOOGLE_BUCKET: 'x', GOOGLE_SERVICE_ACCOUNT: '/key' }),
    ).toMatchObject({
      url: 'gs://bkt',
      env: { GOOGLE_BUCKET: undefined },
      isRemote: true,
    });
  });

  it('Azure', () => {
    const azure = { type: 'Azure', container: 'abc' } as const;
    expect(reasonOf(() => target(azure))).toMatchObject({ code: 'config', reason: 'account' });
    expect(target(azure, { AZURE_STORAGE_ACCOUNT_NAME: 'env' })).toMatchObject({
      url: 'az://abc',
      endpoint: 'https://env.blob.core.windows.net',
    });
    expect(target({ ...azure, account: 'me' }, { AZURE_STORAGE_ACCOUNT_NAME: 'env' }).env).toMatchObject({
      AZURE_STORAGE_ACCOUNT_NAME: 'me',
    });
    expect(reasonOf(() => target({ ...azure, account: 'me', endpoint: 'http://127.0.0.1:10000/me' }))).toMatchObject({
      code: 'config',
      reason: 'plain_http',
    });
    expect(target(azure, { AZURE_STORAGE_USE_EMULATOR: 'true' })).toMatchObject({ url: 'az://abc', isRemote: true });
  });
});
