import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { type FixtureProcess, isBuilt, logEvents, startFixture } from './fixture-process.testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'opendata-server-'));
afterAll(() => rmSync(folder, { recursive: true }));

const started: FixtureProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

function start(args: readonly string[] = [], env: Record<string, string> = {}): FixtureProcess {
  const fixture = startFixture(args, env);
  started.push(fixture);
  return fixture;
}

function configFile(text: string): string {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.yml`);
  writeFileSync(file, text);
  return file;
}

/** Waits for an assertion to hold, on a machine that may be busy. */
function eventually(assertion: () => Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 60_000 });
}

async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

describe.skipIf(!isBuilt)('start', () => {
  it('takes flags over the environment, and the configuration from the file', async () => {
    const file = configFile('greeting: moin\n');
    const { url, logged } = start(['--port', '0'], { FIXTURE_CONFIG: file, FIXTURE_PORT: '1' });
    expect(await (await fetch(`${await url}/greeting`)).text()).toBe('moin');
    expect(await logged('fixture-server is starting')).toMatchObject({ level: 'info', version: '1.2.3' });
  });

  it('is healthy at once and ready when the start is complete', async () => {
    const { url } = start(['--config', configFile('wait_for_go: true\n')]);
    const base = await url;
    expect((await fetch(`${base}/-/healthy`)).status).toBe(200);
    const early = await fetch(`${base}/-/ready`);
    expect([early.status, await early.text()]).toEqual([503, 'Not Ready: starting\n']);
    await fetch(`${base}/go`, { method: 'POST' });
    await eventually(async () => expect((await fetch(`${base}/-/ready`)).status).toBe(200));
  });

  it('exposes metrics of the process', async () => {
    const base = await start().url;
    expect(await metricOf(base, 'process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(await metricOf(base, 'nodejs_eventloop_stalls_total')).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['config', 2],
    ['fenced', 3],
    ['other', 1],
  ])('that fails (%s) exits with %i and says why in the log', async (kind, code) => {
    const exit = await start(['--config', configFile(`start_error: ${kind}\n`)]).exited;
    expect(exit.code).toBe(code);
    expect(logEvents(exit.stdout).at(-1)).toMatchObject({
      level: 'fatal',
      msg: expect.stringMatching(/^start failed: /),
    });
  });
});

describe.skipIf(!isBuilt)('command line', () => {
  it('prints help and version on standard output', async () => {
    expect(await start(['--version']).exited).toEqual({ code: 0, stdout: 'fixture-server 1.2.3\n', stderr: '' });
    const help = await start(['--help']).exited;
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--check-config');
  });

  it('exits with 2 on an unknown flag, with words on standard error', async () => {
    const exit = await start(['--prot', '1']).exited;
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toBe(
      "fixture-server: unknown flag --prot, did you mean --port?\nTry 'fixture-server --help'.\n",
    );
  });

  it('runs a subcommand', async () => {
    expect(await start(['greet', 'Ann']).exited).toEqual({ code: 0, stdout: 'hello Ann\n', stderr: '' });
    const failed = await start(['greet', 'nobody']).exited;
    expect(failed).toEqual({ code: 1, stdout: '', stderr: 'fixture-server: there is nobody to greet\n' });
    const later = await start(['greet', 'later']).exited;
    expect(later).toEqual({ code: 4, stdout: '', stderr: 'fixture-server: unavailable: come back later\n' });
  });

  it('tells a subcommand of ctrl-C, and exits with the code of the signal', async () => {
    const { child, exited } = start(['count', 'up']);
    await once(child.stdout!, 'data');
    child.kill('SIGINT');
    expect(await exited).toMatchObject({ code: 130, stderr: 'stopped counting\n' });
  });

  it('ends a subcommand quietly when nobody reads its output any more', async () => {
    const { child, exited } = start(['count', 'up']);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    expect(await exited).toMatchObject({ code: 141, stderr: 'stopped counting\n' });
  });
});

describe.skipIf(!isBuilt)('configuration', () => {
  const wrong = 'greting: hi\nclose_delay_ms: soon\n';
  const problems = (file: string) =>
    `${file}:1:1: greting: unknown key, did you mean "greeting"?\n` +
    `${file}:2:17: close_delay_ms: expected a number, found "soon"\n`;

  it('that is wrong ends the process with 2 and every problem', async () => {
    const file = configFile(wrong);
    expect(await start(['--config', file]).exited).toEqual({ code: 2, stdout: '', stderr: problems(file) });
    const missing = await start(['--config', join(folder, 'none.yml')]).exited;
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('expected a file, found nothing') });
  });

  it('can be checked without starting', async () => {
    const right = configFile('greeting: hi\n');
    expect(await start(['--check-config', '--config', right]).exited).toEqual({
      code: 0,
      stdout: `${right}: OK\n`,
      stderr: '',
    });
    const file = configFile(wrong);
    expect(await start(['--check-config', '--config', file]).exited).toMatchObject({ code: 2, stderr: problems(file) });
  });

  it('is read again on SIGHUP, and stays when that fails', async () => {
    const good = start();
    await good.url;
    await eventually(async () => expect((await fetch(`${await good.url}/-/ready`)).status).toBe(200));
    good.child.kill('SIGHUP');
    expect(await good.logged('configuration reloaded')).toMatchObject({ level: 'info' });
    const bad = start([], { FIXTURE_RELOAD: 'fails' });
    await eventually(async () => expect((await fetch(`${await bad.url}/-/ready`)).status).toBe(200));
    bad.child.kill('SIGHUP');
    await bad.logged('reload failed: the configuration in use stays');
    expect((await fetch(`${await bad.url}/-/ready`)).status).toBe(200);
  });
});

describe.skipIf(!isBuilt)('stop', () => {
  it.each([['SIGTERM'], ['SIGINT']] as const)('on %s finishes requests in flight and exits with 0', async (signal) => {
    const { child, url, exited, logged } = start();
    const base = await url;
    const slow = fetch(`${base}/late`).then((response) => response.text());
    const follow = fetch(`${base}/follow`).then((response) => response.text());
    await eventually(async () => expect(await metricOf(base, 'http_requests_in_flight')).toBe(3));
    child.kill(signal);
    await logged('stopping');
    expect(await slow).toBe('done');
    expect(await follow).toBe('no more');
    const { code, stdout } = await exited;
    expect(code).toBe(0);
    expect(logEvents(stdout).slice(-2)).toMatchObject([
      { msg: 'closed', brokenOff: 0 },
      { msg: 'exit', exitCode: 0 },
    ]);
  });

  it('is at once on a second signal', async () => {
    const { child, url, exited, logged } = start(['--config', configFile('close_delay_ms: 60000\n')]);
    await url;
    child.kill('SIGTERM');
    await logged('stopping');
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGTERM');
    expect((await exited).code).toBe(143);
  });

  it('is not cut short by the same signal passed on twice', async () => {
    const { child, url, exited, logged } = start(['--config', configFile('close_delay_ms: 1000\n')]);
    await url;
    child.kill('SIGINT');
    child.kill('SIGTERM');
    await logged('stopping');
    expect((await exited).code).toBe(0);
  });

  it('that takes longer than its deadline exits with 1', async () => {
    const { child, url, exited } = start(['--config', configFile('close_delay_ms: 60000\n')], {
      FIXTURE_STOP_DEADLINE: '200ms',
    });
    await url;
    child.kill('SIGTERM');
    const { code, stdout } = await exited;
    expect(code).toBe(1);
    expect(stdout).toContain('the stop did not finish inside its deadline');
  });

  it.each([
    ['fenced', 3],
    ['other', 1],
  ])('that fails (%s) exits with %i', async (kind, code) => {
    const { child, url, exited } = start(['--config', configFile(`close_error: ${kind}\n`)]);
    await url;
    child.kill('SIGTERM');
    const exit = await exited;
    expect(exit.code).toBe(code);
    expect(exit.stdout).toContain('the stop failed');
  });

  it.each([['SIGTERM'], ['SIGINT']] as const)('on %s while the program is loaded exits with 0', async (signal) => {
    const { child, exited, logged } = start([], { FIXTURE_LOADS_FOR_EVER: '1' });
    await logged('loading');
    child.kill(signal);
    expect((await exited).code).toBe(0);
  });

  it('in a stretch without a turn, just before the server takes the signals over, exits with 0', async () => {
    const { child, exited, logged } = start([], { FIXTURE_LOADS_IN_ONE_PIECE: '1' });
    await logged('loading');
    child.kill('SIGTERM');
    expect((await exited).code).toBe(0);
  });

  it('while the start is going on ends the start and exits with 0', async () => {
    const { child, url, exited } = start(['--config', configFile('wait_for_go: true\n')]);
    await url;
    child.kill('SIGTERM');
    expect((await exited).code).toBe(0);
  });

  it.each([['other'], ['config']])('while a start goes on that then fails (%s) exits with 0', async (kind) => {
    const { child, url, exited } = start(['--config', configFile(`wait_for_go: true\nstart_error: ${kind}\n`)]);
    await url;
    child.kill('SIGTERM');
    const { code, stdout } = await exited;
    expect(code).toBe(0);
    expect(logEvents(stdout).at(-2)).toMatchObject({ msg: 'the start was given up' });
  });

  it('breaks off a request that outlives its share of the deadline', async () => {
    const { child, url, exited } = start([], { FIXTURE_STOP_DEADLINE: '3s' });
    const base = await url;
    const slow = fetch(`${base}/never`).catch(() => 'broken off');
    await eventually(async () => expect(await metricOf(base, 'http_requests_in_flight')).toBe(2));
    child.kill('SIGTERM');
    expect(await slow).toBe('broken off');
    const { code, stdout } = await exited;
    expect(code).toBe(0);
    expect(logEvents(stdout).find(({ msg }) => msg === 'closed')).toMatchObject({ brokenOff: 1 });
  });
});

describe.skipIf(!isBuilt)('failure', () => {
  it.each([
    ['crash', 'uncaught exception'],
    ['reject', 'unhandled rejection'],
  ])('by a %s is logged and exits with 1', async (path, message) => {
    const { url, exited } = start();
    await fetch(`${await url}/${path}`, { method: 'POST' }).catch(() => {});
    const { code, stdout } = await exited;
    expect(code).toBe(1);
    expect(logEvents(stdout).at(-1)).toMatchObject({ level: 'fatal', msg: message, err: { message: 'on purpose' } });
  });

  it('by fencing is logged and exits with 3, not ready at once', async () => {
    const { url, exited, logged } = start(['--config', configFile('close_delay_ms: 500\n')]);
    const base = await url;
    const follower = fetch(`${base}/follow`).then((response) => response.text());
    await eventually(async () => expect(await metricOf(base, 'http_requests_in_flight')).toBe(2));
    const answer = await fetch(`${base}/fence`, { method: 'POST' });
    expect(await answer.json()).toEqual({ ready: false, reason: 'epoch 2 is newer' });
    expect(await logged('fenced: another writer took the database over')).toMatchObject({
      level: 'fatal',
      err: { message: 'epoch 2 is newer' },
    });
    expect(await follower).toBe('no more');
    expect((await exited).code).toBe(3);
  });

  it('by fencing exits with 3 also where a signal comes meanwhile', async () => {
    const { child, url, exited, logged } = start(['--config', configFile('close_delay_ms: 500\n')]);
    await fetch(`${await url}/fence`, { method: 'POST' });
    await logged('fenced: another writer took the database over');
    child.kill('SIGTERM');
    expect((await exited).code).toBe(3);
  });
});

describe.skipIf(!isBuilt)('a client that leaves', () => {
  it('is noticed', async () => {
    const { url, logged } = start();
    const abort = new AbortController();
    const pending = fetch(`${await url}/follow`, { signal: abort.signal }).catch(() => 'left');
    await eventually(async () => expect(await metricOf(await url, 'http_requests_in_flight')).toBe(2));
    abort.abort();
    expect(await pending).toBe('left');
    await logged('follower left');
  });
});
