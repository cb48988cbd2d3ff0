import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { resolveTuning, type StorageConfig, storageConfigSchema } from './config.ts';
import { ConfigFileError, parseConfigText } from './config-file.ts';

const larger = z.strictObject({ storage: storageConfigSchema });

function parse(text: string): StorageConfig {
  return parseConfigText('prometheus.yaml', text, larger).storage;
}

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigFileError);
    return (error as Error).message.split('\n');
  }
  return [];
}

describe('the storage section', () => {
  it("is what the operators' guide has", () => {
    const text = `storage:
  type: SlateDb
  path: timeseries
  object_store:
    type: Aws
    region: us-west-2
    bucket: my-timeseries-bucket
  settings_path: /slatedb-settings/slatedb.yaml
`;
    expect(parse(text)).toEqual({
      type: 'SlateDb',
      path: 'timeseries',
      object_store: { type: 'Aws', region: 'us-west-2', bucket: 'my-timeseries-bucket' },
      settings_path: '/slatedb-settings/slatedb.yaml',
    });
  });

  it('needs only a type in memory', () => {
    expect(parse('storage: {type: InMemory}')).toEqual({ type: 'InMemory' });
  });

  it.each([
    ['{type: InMemory}'],
    ['{type: Local, path: .data}'],
    ['{type: Local, path: .data, fsync: true}'],
    ['{type: Aws, bucket: abc}'],
    ['{type: Aws, bucket: abc, endpoint: "http://minio:9000", allow_http: true, virtual_hosted_style: false}'],
    ['{type: Gcp, bucket: abc}'],
    ['{type: Azure, container: abc, account: me}'],
  ])('takes object_store %s', (store) => {
    expect(problemsOf(`storage: {type: SlateDb, path: a/b, object_store: ${store}}`)).toEqual([]);
  });

  it('trims slashes around the path', () => {
    expect(parse('storage: {type: SlateDb, path: /a/b/, object_store: {type: InMemory}}')).toMatchObject({
      path: 'a/b',
    });
  });

  it('has defaults by store', () => {
    const tuning = (store: string, more = '') =>
      resolveTuning(parse(`storage: {type: SlateDb, path: p, object_store: ${store}${more}}`));
    expect(tuning('{type: InMemory}')).toEqual({
      commitIntervalMs: 0,
      commitTimeoutMs: 10_000,
      pageCacheBytes: 134_217_728,
    });
    expect(tuning('{type: Local, path: x}').commitIntervalMs).toBe(0);
    expect(tuning('{type: Gcp, bucket: abc}').commitIntervalMs).toBe(100);
    expect(tuning('{type: Aws, bucket: abc}', ', commit_interval_ms: 0, page_cache_bytes: 1')).toMatchObject({
      commitIntervalMs: 0,
      pageCacheBytes: 1,
    });
    expect(resolveTuning({ type: 'InMemory', commit_timeout_ms: 500 }).commitTimeoutMs).toBe(500);
  });
});

describe('a wrong storage section names the place, the key and what was expected', () => {
  const local = 'object_store: {type: Local, path: x}';
  it.each<[string, string[]]>([
    ['{}', ['1:10: storage.type: expected one of SlateDb, InMemory, but it is missing']],
    ['5', ["1:10: storage: expected the storage section (a mapping with a 'type'), found 5"]],
    ['{type: Slatedb}', ['1:17: storage.type: expected one of SlateDb, InMemory, found "Slatedb"']],
    [
      '{type: SlateDb}',
      [
        "1:10: storage.path: expected a prefix such as 'timeseries', but it is missing",
        "1:10: storage.object_store: expected the object_store section (a mapping with a 'type'), but it is missing",
      ],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: S3}}',
      ['1:56: storage.object_store.type: expected one of InMemory, Local, Aws, Gcp, Azure, found "S3"'],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: Aws, bucket: "s3://b", regoin: x}}',
      [
        "1:69: storage.object_store.bucket: expected the name of a bucket: 2 to 222 letters, digits, '.', '_' and '-', a letter or digit first (no URL and no path; use 'path' for a prefix), found \"s3://b\"",
        '1:79: storage.object_store.regoin: unknown key: expected one of type, bucket, region, endpoint, allow_http, virtual_hosted_style',
      ],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: Aws, bucket: b}}',
      [
        '1:69: storage.object_store.bucket: expected the name of a bucket, of at least 3 characters and at most 222, found "b"',
      ],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: Aws}}',
      ['1:49: storage.object_store.bucket: expected the name of a bucket, but it is missing'],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: Aws, bucket: abc, endpoint: "minio:9000"}}',
      [
        '1:84: storage.object_store.endpoint: expected a URL such as \'https://minio.example.com:9000\' (http or https, without user name and query), found "minio:9000"',
      ],
    ],
    [
      `{type: SlateDb, path: a//b, ${local}}`,
      [
        "1:32: storage.path: expected a prefix such as 'timeseries' or 'prod/timeseries' (no empty part, '.', '..' or \\ ? # % *), found \"a//b\"",
      ],
    ],
    [
      `{type: SlateDb, path: p, ${local}, commit_timeout_ms: 10s, setings_path: x}`,
      [
        '1:92: storage.commit_timeout_ms: expected a whole number of milliseconds from 100 to 600000, found "10s"',
        '1:97: storage.setings_path: unknown key: expected one of type, path, object_store, settings_path, commit_interval_ms, commit_timeout_ms, page_cache_bytes',
      ],
    ],
    [
      '{type: SlateDb, path: p, object_store: {type: Local, path: x, fsync: "yes"}}',
      ['1:79: storage.object_store.fsync: expected true or false, found "yes"'],
    ],
    [
      '{type: InMemory, path: x}',
      ['1:33: storage.path: expected with type SlateDb only: type InMemory keeps nothing, found "x"'],
    ],
  ])('%s', (section, expected) => {
    expect(problemsOf(`storage: ${section}\n`)).toEqual(expected.map((line) => `prometheus.yaml:${line}`));
  });
});
