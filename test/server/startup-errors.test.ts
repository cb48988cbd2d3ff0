import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type S3Server, startFaultProxy, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, storageSection, type Workspace } from '../support/databases.ts';
import { freePort, runOurs } from '../support/server-process.ts';

let workspace: Workspace;
let s3: S3Server;
beforeAll(async () => {
  workspace = createWorkspace();
  s3 = await startS3Server();
});
afterAll(async () => {
  await workspace.remove();
  await s3.destroy();
});

type Name = 'opendata-timeseries' | 'opendata-log';

const inMemory = 'storage: {type: InMemory}\n';
let files = 0;

/** Starts with a configuration that cannot work; answers what it printed, on either stream. */
async function startWith(name: Name, config: string, env: Readonly<Record<string, string>> = {}, flags: string[] = []) {
  const file = workspace.file(`${name}-${++files}.yaml`, config);
  const port = String(await freePort());
  const ended = await runOurs(name, ['--config', file, '--port', port, ...flags], { env, cwd: workspace.folder });
  return { ...ended, text: ended.stdout + ended.stderr };
}

describe.each(databases)('$name refuses with exit code 2, and says where and what,', ({ name }) => {
  it.concurrent.each<[what: string, config: () => string, message: RegExp]>([
    ['text that is not YAML', () => 'storage: [unclosed\n', /\.yaml:\d+:\d+: /],
    ['a tab for indentation', () => 'storage:\n\ttype: InMemory\n', /\.yaml:2:\d+: /],
    ['a list at the top', () => '- a\n', /\.yaml:1:1: .*expected a mapping/],
    ['a second document', () => `${inMemory}---\n${inMemory}`, /\.yaml:\d+:\d+: .*document/],
    ['an unknown key', () => `${inMemory}stroage: 1\n`, /\.yaml:2:1: stroage: unknown key.*storage/],
    ['a key given twice', () => `${inMemory}${inMemory}`, /\.yaml:2:1: .*"storage" a second time/],
  ])('%s', async (_what, config, message) => {
    const ended = await startWith(name, config());
    expect([ended.code, ended.text]).toEqual([2, expect.stringMatching(message)]);
  });

  it.concurrent('every problem of a file at once', async () => {
    const { code, stderr } = await startWith(name, 'storage:\n  type: Tape\nfoo: 1\nbar: 2\n');
    expect(code).toBe(2);
    expect(stderr).toMatch(/:2:9: storage\.type/);
    expect(stderr).toMatch(/:3:1: foo: unknown key/);
    expect(stderr).toMatch(/:4:1: bar: unknown key/);
  });

  it.concurrent.each<[what: string, args: string[], message: RegExp]>([
    ['a flag that does not exist', ['--prot', '9'], /--prot.*--port/],
    ['an argument that it does not take', ['serve-me'], /serve-me/],
    ['a port that is no number', ['--port', 'http'], /--port.*http/],
    ['a port that does not exist', ['--port', '65536'], /--port.*65536/],
    ['a flag without its value', ['--config'], /--config/],
    ['a value for a flag that takes none', ['--check-config=maybe'], /--check-config/],
    ['a configuration file that is not there', ['--config', '/nowhere/x.yaml'], /\/nowhere\/x\.yaml/],
    ['a folder for a configuration file', ['--config', '/tmp'], /\/tmp/],
  ])('%s', async (_what, args, message) => {
    const { code, stderr, stdout } = await runOurs(name, args, { cwd: workspace.folder });
    expect([code, stderr, stdout]).toEqual([2, expect.stringMatching(message), '']);
  });

  it.concurrent('a folder that it cannot write to', async () => {
    const path = join(workspace.folder, `file-${name}`);
    writeFileSync(path, 'not a folder');
    const { code, text } = await startWith(name, storageSection(`{type: Local, path: ${path}/data}`));
    expect([code, text]).toEqual([2, expect.stringMatching(/is not a folder that this process can write to/)]);
  });

  it.concurrent.each<[what: string, bucket: string, env: Record<string, string>, message: RegExp]>([
    ['a bucket that does not exist', 'no-such-bucket', {}, /the bucket does not exist at this endpoint/],
    [
      'a key that the store does not know',
      'test-bucket',
      { AWS_ACCESS_KEY_ID: 'nobody' },
      /the credentials are wrong or have expired/,
    ],
    [
      'a secret that is wrong',
      'test-bucket',
      { AWS_SECRET_ACCESS_KEY: 'guessed' },
      /the credentials are wrong or have expired/,
    ],
    ['an endpoint over plain HTTP', 'test-bucket', { AWS_ALLOW_HTTP: '' }, /plain HTTP.*allow_http/],
  ])('%s', async (_what, bucket, env, message) => {
    const { code, text } = await startWith(name, storageSection(`{type: Aws, bucket: ${bucket}}`), {
      ...s3.env,
      ...env,
    });
    expect([code, text]).toEqual([2, expect.stringMatching(message)]);
  });

  it('a store that ignores If-None-Match', async () => {
    const unconditional = await startS3Server({ conditional: false });
    try {
      const config = storageSection(`{type: Aws, bucket: ${unconditional.bucket}}`);
      const { code, text } = await startWith(name, config, unconditional.env);
      expect([code, text]).toEqual([2, expect.stringMatching(/does not do conditional puts/)]);
    } finally {
      await unconditional.destroy();
    }
  });
});

/** The section is the same in both servers. */
describe('the storage section is refused with exit code 2, place and reason:', () => {
  it.concurrent.each<[what: string, config: () => string, message: RegExp]>([
    ['a storage type that does not exist', () => 'storage:\n  type: RocksDb\n', /\.yaml:2:9: storage\.type: .*SlateDb/],
    [
      'a storage without a path',
      () => 'storage:\n  type: SlateDb\n  object_store: {type: InMemory}\n',
      /\.yaml:1:1: storage\.path: expected a prefix .*found no such key/,
    ],
    [
      'an object store of another type',
      () => 'storage:\n  type: SlateDb\n  path: x\n  object_store: {type: Ftp}\n',
      /\.yaml:4:\d+: storage\.object_store\.type: .*Local.*Aws.*found/,
    ],
    [
      'an object store with a wrong key',
      () => 'storage:\n  type: SlateDb\n  path: x\n  object_store: {type: Local, path: a, bucket: b}\n',
      /\.yaml:4:\d+: storage\.object_store\.bucket: not a key of type Local; expected one of type, path, fsync/,
    ],
    [
      'fsync that is neither true nor false',
      () => 'storage:\n  type: SlateDb\n  path: x\n  object_store: {type: Local, path: a, fsync: maybe}\n',
      /\.yaml:4:\d+: storage\.object_store\.fsync: expected .*found/,
    ],
    [
      'a commit timeout out of bounds',
      () => `${storageSection('{type: InMemory}', '  commit_timeout_ms: 1\n')}`,
      /\.yaml:5:\d+: storage\.commit_timeout_ms: .*100/,
    ],
    [
      'an endpoint over plain HTTP that was not allowed',
      () => storageSection('{type: Aws, bucket: metrics, endpoint: "http://127.0.0.1:1"}'),
      /plain HTTP|allow_http/,
    ],
    [
      'a settings file that is missing',
      () => `${storageSection('{type: InMemory}', '  settings_path: /nowhere/slatedb.yaml\n')}`,
      /\.yaml:5:18: storage\.settings_path: the file does not exist; .*: \/nowhere\/slatedb\.yaml/,
    ],
  ])('%s', async (_what, config, message) => {
    const ended = await startWith('opendata-log', config());
    expect([ended.code, ended.text]).toEqual([2, expect.stringMatching(message)]);
  });

  it.concurrent('a settings file with wrong keys and values, all of them at once', async () => {
    const settings = workspace.file(
      'settings.yaml',
      `max_unflushed_bytes: -1
l0_sst_size_bytes: 64MB
compactor_options:
  max_sst_sizes: 1
garbage_collector_options:
  wal_options:
    interval: 60
`,
    );
    const { code, stderr: text } = await startWith(
      'opendata-timeseries',
      storageSection('{type: InMemory}', `  settings_path: ${settings}\n`),
      {},
      ['--check-config'],
    );
    expect(code).toBe(2);
    expect(text).toMatch(/settings\.yaml:1:22: max_unflushed_bytes: expected .*found -1/);
    expect(text).toMatch(/settings\.yaml:2:20: l0_sst_size_bytes: expected .*found "?64MB/);
    expect(text).toMatch(/settings\.yaml:4:3: compactor_options\.max_sst_sizes: unknown key/);
    expect(text).toMatch(/settings\.yaml:7:15: garbage_collector_options\.wal_options\.interval: expected a duration/);
  });
});

describe('opendata-timeseries', () => {
  it.concurrent('refuses scrape and other settings, all problems at once, each with its place', async () => {
    const { code, stderr } = await startWith(
      'opendata-timeseries',
      `global:
  scrape_interval: 15
scrape_configs:
- job_name: a
  scrape_intervall: 5s
- metrics_path: /x
- job_name: b
  scheme: ftp
  static_configs:
  - targets: ["http://x", fine:80]
    labels: {"": y}
remote_write:
  ack: soon
  body_size_limit: lots
retention: 0s
`,
    );
    expect(code).toBe(2);
    for (const message of [
      /:2:20: global\.scrape_interval: expected a duration/,
      /:5:3: scrape_configs\[0\]\.scrape_intervall: unknown key, did you mean "scrape_interval"/,
      /:6:3: scrape_configs\[1\]\.job_name: expected a job name/,
      /:8:11: scrape_configs\[2\]\.scheme: expected 'http' or 'https'/,
      /:10:15: scrape_configs\[2\]\.static_configs\[0\]\.targets\[0\]: expected a target as host:port/,
      /:11:14: .*expected a label name/,
      /:13:8: remote_write\.ack: expected 'durable' or 'memory'/,
      /:14:20: remote_write\.body_size_limit: expected/,
      /:15:12: retention: expected/,
    ]) {
      expect(stderr).toMatch(message);
    }
    expect(stderr.trim().split('\n')).toHaveLength(9);
  });

  it.concurrent('refuses what spans several keys', async () => {
    const { code, stderr } = await startWith(
      'opendata-timeseries',
      `${inMemory}global: {scrape_interval: 5s, scrape_timeout: 10s}
scrape_configs: [{job_name: a}, {job_name: a}]
`,
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/:2:47: global\.scrape_timeout: global scrape timeout greater than scrape interval/);
    expect(stderr).toMatch(/:3:44: scrape_configs\[1\]\.job_name: found multiple scrape configs with job name "a"/);
  });
});

describe.each(databases)('$name', ({ name }) => {
  it.concurrent('exits with code 1 when its port is taken, and names it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, resolve));
    const { port } = taken.address() as { port: number };
    try {
      const file = workspace.file(`taken-${name}.yaml`, inMemory);
      const { code, stdout } = await runOurs(name, ['--config', file, '--port', String(port)]);
      expect(code).toBe(1);
      expect(stdout).toContain(`start failed: port ${port} is already in use`);
    } finally {
      taken.close();
    }
  });

  it.concurrent.each<
    [what: string, fault: Parameters<Awaited<ReturnType<typeof startFaultProxy>>['setFault']>[0], message: RegExp]
  >([
    ['does not answer', { kind: 'blackhole' }, /no answer within the deadline/],
    ['answers 500', { kind: 'status', status: 500 }, /the store does not work right now/],
    ['resets connections', { kind: 'reset' }, /cannot be reached/],
  ])('exits with code 1 when the store %s, to be started again', async (_what, fault, message) => {
    const proxy = await startFaultProxy(s3.endpoint);
    try {
      proxy.setFault(fault);
      const config = storageSection(`{type: Aws, bucket: ${s3.bucket}}`, '  commit_timeout_ms: 6000\n');
      const { code, text } = await startWith(name, config, { ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint });
      expect([code, text]).toEqual([1, expect.stringMatching(message)]);
    } finally {
      proxy.setFault(undefined);
      await proxy.stop();
    }
  });

  it.concurrent('prints help and version, checks a configuration, and touches nothing', async () => {
    const help = await runOurs(name, ['--help']);
    expect([help.code, help.stdout, help.stderr]).toEqual([0, expect.stringContaining('--check-config'), '']);
    expect(await runOurs(name, ['-h'])).toEqual(help);
    const version = await runOurs(name, ['--version']);
    expect([version.code, version.stdout]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+`)),
    ]);
    const checked = await startWith(name, storageSection('{type: Local, path: /nowhere/at/all}'), {}, [
      '--check-config',
    ]);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/\.yaml: OK\n$/)]);
    const wrong = await startWith(name, 'storage: 1\n', {}, ['--check-config']);
    expect([wrong.code, wrong.stderr, wrong.stdout]).toEqual([
      2,
      expect.stringMatching(/:1:10: storage: expected/),
      '',
    ]);
  });
});
