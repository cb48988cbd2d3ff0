import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runOurs, startOurs } from '../../../test/support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'opendata-timeseries-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => runOurs('opendata-timeseries', args, { cwd: folder });

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe('check-config', () => {
  const good = file('good.yml', 'scrape_configs: [{job_name: a, static_configs: [{targets: [b:1, c:2]}]}]\n');
  const bad = file('bad.yml', 'global:\n  scrap_interval: 5s\nscrape_configs:\n  - job_nam: x\n');
  file('settings.json', '{"default_ttl": 1000, "nonsense": 1}');
  const settings = file('settings.yml', 'storage: {type: InMemory, settings_path: settings.json}\n');

  it('says what is in a good file', async () => {
    expect(await run('check-config', good)).toEqual({
      code: 0,
      stdout: `good.yml: OK: 1 scrape jobs, 2 targets, storage folder ${folder}/.data/timeseries\n`,
      stderr: '',
    });
  });

  it('says everything that is wrong, with its place, and ends with 1', async () => {
    const { code, stdout } = await run('check-config', good, bad, 'nowhere.yml');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^good.yml: OK.*\nbad.yml: FAILED\n {2}bad.yml:2:3: global.scrap_interval: unknown key/);
    expect(stdout).toMatch(/\n {2}bad.yml:4:5: scrape_configs\[0\].job_nam: unknown key/);
    expect(stdout).toMatch(/\nnowhere.yml: FAILED\n {2}nowhere.yml: /);
  });

  it('looks into the settings file', async () => {
    const { code, stdout } = await run('check-config', settings);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/settings.json:1:\d+: .*nonsense/)]);
  });

  it('prints JSON lines', async () => {
    const { code, stdout } = await run('check-config', '--json', good, bad);
    const [first, second] = stdout.split('\n').map((line) => line && JSON.parse(line));
    expect(code).toBe(1);
    expect(first).toEqual({
      file: good,
      ok: true,
      scrapeJobs: 1,
      targets: 2,
      storage: `folder ${folder}/.data/timeseries`,
      problems: [],
    });
    expect(second).toMatchObject({ file: bad, ok: false });
    expect(second.problems).toContainEqual({
      file: bad,
      line: 4,
      column: 5,
      message: expect.stringContaining('job_nam'),
    });
  });

  it('needs a file', async () => {
    expect(await run('check-config')).toMatchObject({ code: 2, stderr: expect.stringContaining('FILE is missing') });
  });
});

describe('serve', () => {
  it('says where it listens and where data goes, above all when nobody said so', async () => {
    const config = file('serve.yml', 'scrape_configs: []\n');
    const server = await startOurs('opendata-timeseries', ['serve', '-c', config, '--host', '127.0.0.1'], {
      cwd: folder,
    });
    const ready = server
      .output()
      .split('\n')
      .find((line) => line.includes('opendata-timeseries is ready'));
    expect(JSON.parse(ready!)).toMatchObject({
      address: '127.0.0.1',
      port: server.port,
      storage: `folder ${folder}/.data/timeseries`,
      storageReason: expect.stringContaining('no storage: section'),
    });
    expect(await server.kill('SIGTERM')).toBe(0);
  });
});
