import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectLog, type LogClient } from '../src/client/index.ts';
import { type ServerProcess, startServer, temporaryFolder } from './server-process.testing.ts';

const bin = fileURLToPath(new URL('../bin/opendata-log.js', import.meta.url));

let server: ServerProcess;
let log: LogClient;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
  log = connectLog(server.url);
});
afterAll(async () => {
  await log.close();
  await server.stop();
});

/** A command that runs, asking the server. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, OPENDATA_LOG_URL: server.url, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // A command may end before it has read everything.
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, bytes: Buffer.concat(stdout), stderr }));
  return { child, ended, output: () => Buffer.concat(stdout).toString(), errors: () => stderr };
}

/** Runs a command to its end. */
async function run(args: readonly string[], input: string | Uint8Array = '', env = {}) {
  const { child, ended } = start(args, env);
  child.stdin.end(input);
  const { code, bytes, stderr } = await ended;
  return { code, stdout: bytes.toString(), stderr, bytes };
}

const jsonLines = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('append and scan', () => {
  it('take arguments', async () => {
    const { code, stdout } = await run([
      'append',
      'args',
      'one',
      'two',
      '--header',
      'a=b=c',
      '--timestamp',
      '2026-01-02T03:04:05Z',
    ]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^2 records appended, sequences \d+ to \d+\n$/)]);
    expect(jsonLines((await run(['scan', '--json', 'args'])).stdout)).toEqual(
      ['one', 'two'].map((value) => ({
        sequence: expect.any(Number),
        key: 'args',
        value,
        arrivalTimeMs: expect.any(Number),
        timestampMs: Date.parse('2026-01-02T03:04:05Z'),
        headers: [{ name: 'a', value: 'b=c' }],
      })),
    );
  });

  it('take standard input by lines, and give it back', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\r\n`).join('');
    const appended = await run(['append', 'lines', '--json', '--durable=false'], `${lines}\nlast`);
    expect(jsonLines(appended.stdout)).toEqual([
      { records: 5002, bytes: expect.any(Number), firstSequence: expect.any(Number), lastSequence: expect.any(Number) },
    ]);
    expect((await run(['scan', 'lines'])).stdout).toBe(`${lines}\nlast\n`);
    expect((await run(['tail', '-n', '2', 'lines'])).stdout).toBe('\nlast\n');
    expect((await run(['scan', 'lines', '--limit', '2', '-r'])).stdout).toBe('last\n\n');
  });

  it('keep bytes as they are', async () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
    const key = Buffer.from([0, 255, 10]).toString('base64');
    expect((await run(['append', '--key-b64', key, '--whole'], bytes)).code).toBe(0);
    expect([...(await run(['scan', '--key-b64', key, '-o', 'raw'])).bytes]).toEqual([...bytes]);
    expect((await run(['scan', '--key-b64', key, '-o', 'hex'])).stdout).toBe(`${Buffer.from(bytes).toString('hex')}\n`);
    expect((await run(['scan', '--key-b64', key, '-o', 'base64'])).stdout).toBe(
      `${Buffer.from(bytes).toString('base64')}\n`,
    );
    await run(['append', 'nul', '--input', 'nul'], 'a\nb\0c\0');
    expect((await run(['scan', 'nul', '-o', 'nul'])).stdout).toBe('a\nb\0c\0');
  });

  it('take files, and keys from the lines', async () => {
    const { path, remove } = temporaryFolder();
    onTestFinished(remove);
    writeFileSync(join(path, 'a'), 'x\ty\nz\tzz\t\n');
    writeFileSync(join(path, 'b'), 'x\tlast\n');
    const { code } = await run([
      'append',
      '--key-separator',
      '\\t',
      '--file',
      join(path, 'a'),
      '--file',
      join(path, 'b'),
    ]);
    expect(code).toBe(0);
    expect((await run(['scan', 'x', 'z'])).stdout).toBe('y\nzz\t\nlast\n');
    expect((await run(['scan', '--prefix', 'x', '--key-b64', 'eg==', '--last', '2', '-o', 'raw'])).stdout).toBe(
      'zz\tlast',
    );
    expect((await run(['scan', '--all', '-r', '--limit', '1'])).stdout).toBe('last\n');
    expect(await run(['append', 'k', '--file', join(path, 'nowhere')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file'),
    });
  });

  it('pass records on as JSON', async () => {
    await log.append([
      { key: Uint8Array.of(255), value: 'text', headers: [{ name: 'h', value: Uint8Array.of(128) }], timestampMs: 7 },
      { key: Uint8Array.of(255), value: Uint8Array.of(0, 254) },
    ]);
    const { stdout } = await run(['scan', '--key-b64', '/w==', '--json']);
    expect(
      (
        await run(
          ['append', '--input', 'json', '--key-b64', 'Y29weQ=='],
          stdout.replaceAll('"keyB64":"/w=="', '"key":"json"'),
        )
      ).code,
    ).toBe(0);
    const copy = (await run(['scan', 'json', '--json'])).stdout;
    const plain = (text: string) =>
      jsonLines(text).map(({ value, valueB64, headers, timestampMs }) => ({ value, valueB64, headers, timestampMs }));
    expect(plain(copy)).toEqual(plain(stdout));
    expect(plain(copy)[1]).toEqual({ valueB64: 'AP4=' });
    const wrong = await run(['append', '--input', 'json'], '{"key":"k","value":"v"}\n{"key":"k"}\n');
    expect(wrong).toMatchObject({
      code: 2,
      stderr: 'opendata-log: standard input:2: value (or valueB64) is missing\n',
    });
    expect(wrong.stdout).toMatch(/^1 record appended/);
  });
});

describe('tail', () => {
  it('follows keys until it is stopped, also across the end of the server', async () => {
    const own = await startServer(['--in-memory', '--host', '127.0.0.1']);
    const client = connectLog(own.url);
    await client.append(['1', '2', '3'].map((value) => ({ key: 'a', value })));
    const { child, ended, output, errors } = start(['tail', '-f', '-n1', 'a', 'b', '--url', own.url]);
    await until(() => output() === '3\n');
    await client.append({ key: 'b', value: 'four' });
    await until(() => output() === '3\nfour\n');
    await client.close();
    await own.stop();
    await until(() => errors().includes('trying again'));
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });

  it('begins where it is told to', async () => {
    const { startSequence } = await log.append(['1', '2', '3'].map((value) => ({ key: 'from', value })));
    expect((await run(['tail', 'from', '--start', String(startSequence + 1)])).stdout).toBe('2\n3\n');
    expect((await run(['tail', 'from', '--since', '10m'])).stdout).toBe('1\n2\n3\n');
    expect((await run(['tail', 'from', '--since', '2999-01-01'])).stdout).toBe('');
    expect(await run(['tail', 'from', '--since', 'now-ish'])).toMatchObject({ code: 2 });
  });
});

describe('the log itself', () => {
  it('is listed and counted', async () => {
    await log.append([...'cab'].flatMap((name) => [1, 2].map((i) => ({ key: `list-${name}`, value: `${i}` }))));
    expect((await run(['keys', '--prefix', 'list-'])).stdout).toBe('list-a\nlist-b\nlist-c\n');
    expect((await run(['keys', '--prefix', 'list-', '--after', 'list-a', '--limit', '1', '-0'])).stdout).toBe(
      'list-b\0',
    );
    expect(jsonLines((await run(['keys', '--prefix-b64', 'bGlzdC1h', '--json'])).stdout)).toEqual([{ key: 'list-a' }]);
    expect((await run(['count', 'list-a'])).stdout).toBe('2\n');
    expect((await run(['count', 'list-a', 'none'])).stdout).toBe('KEY      COUNT\nlist-a   2\nnone     0\n');
    expect(jsonLines((await run(['count', '--json', 'list-a'])).stdout)).toEqual([{ key: 'list-a', count: 2 }]);
    expect((await run(['segments'])).stdout).toMatch(
      /^ID {3}START SEQUENCE {3}START TIME +AGE\n1 +0 +\d{4}-.*Z +[\dms]+\n$/,
    );
    expect(jsonLines((await run(['segments', '--json'])).stdout)).toEqual([
      { id: 1, startSequence: 0, startTimeMs: expect.any(Number) },
    ]);
    expect((await run(['inspect', 'list-a'])).stdout).toMatch(
      /^SEGMENT +IN +RECORDS +PAGES\n1 +memory +2 +0\ntotal +2 +0\n$/,
    );
    expect(jsonLines((await run(['inspect', 'list-a', '--json'])).stdout)).toMatchObject([{ key: 'list-a', total: 2 }]);
  });

  it('is measured', async () => {
    const appended = jsonLines(
      (await run(['bench', 'append', '--duration', '300ms', '--keys', '10', '--json'])).stdout,
    )[0]!;
    expect(appended).toMatchObject({ errors: {}, latencyMs: { p50: expect.any(Number), max: expect.any(Number) } });
    let records = 0;
    for await (const key of log.keys({ prefix: 'bench-' })) records += await log.count(key);
    expect(records).toBeGreaterThanOrEqual(appended['records'] as number);
    const inSession = await run([
      'bench',
      'append',
      '--session',
      '--prefix',
      'session-',
      '--duration',
      '300ms',
      '--json',
    ]);
    expect(JSON.parse(inSession.stdout)).toMatchObject({ title: expect.stringContaining('in a session'), errors: {} });
    const scanned = await run(['bench', 'scan', '--duration', '300ms', '--rate', '50']);
    expect(scanned.stdout).toMatch(/scan, last 100 records of 10 keys/);
    expect(scanned.stdout).toMatch(/LATENCY MS +P50 +P90 +P99 +P99.9 +MAX\n +[\d.]+/);
    expect(await run(['bench', 'scan', '--prefix', 'nobody-'])).toMatchObject({ code: 2 });
  });
});

describe('how a command ends', () => {
  it('says who is not there, with an exit code of its own', async () => {
    const args = ['count', 'k', '--url', 'http://127.0.0.1:1', '--retry-timeout', '0'];
    const message = 'http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
    expect(await run(args)).toMatchObject({ code: 4, stdout: '', stderr: `opendata-log: unavailable: ${message}\n` });
    const json = await run([...args, '--json']);
    expect(JSON.parse(json.stderr)).toEqual({ error: { code: 'unavailable', message } });
  });

  it.each([
    [['scan'], /KEY is missing/],
    [['scan', '--key-b64', '!'], /--key-b64: not base64/],
    [['append', 'k', 'v', '--file', 'f'], /VALUE or --file/],
    [['append', 'k', 'v', '--header', 'x'], /NAME=VALUE/],
    [['append', 'k', 'v', '--timestamp', 'soon'], /--timestamp/],
    [['count', 'k', '--url', 'ftp://x'], /not an http: or https: URL/],
    [['bench'], /bench COMMAND/],
    [['tial', 'k'], /did you mean tail/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(args);
    expect([code === 1 || code === 2, stderr]).toEqual([true, expect.stringMatching(message)]);
  });

  it('by a reader that has enough', async () => {
    await log.append(Array.from({ length: 10_000 }, (_, i) => ({ key: 'long', value: `${i}`.padEnd(100) })));
    const { child, ended } = start(['scan', 'long']);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, stderr: '' });
  });

  it('by ctrl-C, with everything appended that was read', async () => {
    const { child, ended } = start(['append', 'interrupted']);
    child.stdin.write('one\ntwo\n');
    while ((await log.count('interrupted')) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const { code, bytes } = await ended;
    expect([code, bytes.toString()]).toEqual([130, expect.stringMatching(/^2 records appended/)]);
  });
});
