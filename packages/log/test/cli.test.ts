import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from './client.testing.ts';
import { runToEnd, startServer, temporaryFolder } from './server-process.testing.ts';

function configFile(text: string): string {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  const file = join(path, 'log.yaml');
  writeFileSync(file, text);
  return file;
}

describe('command line', () => {
  it('prints help and version', async () => {
    const help = await runToEnd(['--help']);
    expect(help.code).toBe(0);
    for (const flag of [
      'config',
      'port',
      'data-dir',
      'in-memory',
      's3-bucket',
      's3-region',
      'read-only',
      'check-config',
    ]) {
      expect(help.stdout).toContain(`--${flag}`);
    }
    expect(await runToEnd(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^opendata-log \d/) });
  });

  it.each([
    [['--nonsense'], /unknown flag --nonsense/],
    [['--port', 'x'], /port/],
    [['--read-only', '--in-memory'], /--read-only needs a log that another process writes/],
    [['--in-memory', '--data-dir', 'x'], /only one of --data-dir, --in-memory/],
    [['--s3-region', 'x'], /needs --s3-bucket/],
    [['--config', '/nowhere/log.yaml'], /\/nowhere\/log\.yaml/],
    [['-c', '/nowhere/log.yaml', '-p', '0'], /\/nowhere\/log\.yaml/],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stderr } = await runToEnd(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it.each([
    ['storage:\n  type: InMemory\nnonsense: 1\n', /log\.yaml:3:\d+: nonsense/],
    ['storage:\n  type: Tape\n', /log\.yaml:2:\d+: storage\.type/],
    ['segmentation:\n  seal_interval: 1h\n', /storage/],
    [
      'storage: {type: InMemory}\nsegmentation:\n  seal_byte_limit: 3\n',
      /log\.yaml:3:\d+: segmentation\.seal_byte_limit/,
    ],
    [
      'storage: {type: InMemory}\nsegmentation: {seal_byte_limit: 512MB}\nhead_memory_limit: 64MB\n',
      /log\.yaml:3:\d+: head_memory_limit: .*set head_memory_limit to 1GiB or more, or .*seal_byte_limit to 32MiB or less/,
    ],
    [
      'storage: {type: InMemory}\nsegmentation: {seal_byte_limit: 200MB}\n',
      /log\.yaml:2:\d+: segmentation\.seal_byte_limit: .*set head_memory_limit to 400MiB .*seal_byte_limit to 160MiB or less/,
    ],
    [
      'storage: {type: InMemory}\nretention: {retention: 7d}\n',
      /log\.yaml:2:\d+: retention\.retention: .*seal_interval/,
    ],
    [
      'storage: {type: InMemory}\nsegmentation: {seal_interval: 8d}\nretention: {retention: 7d}\n',
      /log\.yaml:2:\d+: segmentation\.seal_interval: expected at most retention\.retention, 1w/,
    ],
    [
      'storage: {type: InMemory}\nsegmentation: {seal_interval: 8d}\nretention: {retention: 7d}\nnonsense: 1\n',
      /log\.yaml:4:\d+: nonsense.*\n.*log\.yaml:2:\d+: segmentation\.seal_interval: expected at most retention/,
    ],
    ['storage: {type: InMemory}\nretention: {retention_bytes: 2MiB}\n', /log\.yaml:2:\d+: retention\.retention_bytes/],
  ])('says where the configuration %j is wrong', async (text, message) => {
    const { code, stderr } = await runToEnd(['--check-config', '--config', configFile(text)]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it.skipIf(!existsSync('/proc/self'))('refuses a folder that cannot be made, and does not hang', async () => {
    const { code, stdout } = await runToEnd(['--port', '0', '--data-dir', '/proc/x']);
    expect([code, stdout]).toEqual([2, expect.stringMatching(/\/proc\/x is not a folder .*ENOENT/)]);
  });

  it('listens on one address if it is told so, and says where data goes', async () => {
    const { path, remove } = temporaryFolder();
    onTestFinished(remove);
    const server = await startServer(['serve', '--host', '127.0.0.1', '--data-dir', path]);
    const ready = server
      .output()
      .split('\n')
      .find((line) => line.includes('opendata-log is ready'));
    expect(JSON.parse(ready!)).toMatchObject({ address: '127.0.0.1', storage: `folder ${path}/log` });
    expect(await server.stop()).toBe(0);
  });

  it('says where the settings file that the configuration names is wrong', async () => {
    const settings = configFile('default_ttl: 604800000\nnonsense: 1\n');
    const file = configFile(`storage: { type: InMemory, settings_path: '${settings}' }\n`);
    const { code, stderr } = await runToEnd(['--check-config', '--config', file]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/log\.yaml:2:\d+: .*nonsense/)]);
  });

  it('checks a good configuration, and runs with it', async () => {
    const { path, remove } = temporaryFolder();
    onTestFinished(remove);
    const file = configFile(`
storage:
  type: SlateDb
  path: log
  object_store: { type: Local, path: ${path} }
segmentation:
  seal_interval: 1h
  seal_byte_limit: 16MiB
retention: { retention: 7d, retention_bytes: 1GiB, check_interval: 30s }
head_memory_limit: 64MiB
http:
  body_limit: 2KiB
`);
    expect(await runToEnd(['--check-config', '--config', file])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('OK'),
    });
    const server = await startServer(['--config', file]);
    const client = createClient(server.url, 'json');
    expect(await client.append([['k', 'v']], true)).toEqual({ count: 1, start: 0 });
    await expect(client.append([['k', 'v'.repeat(3000)]])).rejects.toThrow('HTTP 413');
    expect(await server.stop()).toBe(0);
  });
});
