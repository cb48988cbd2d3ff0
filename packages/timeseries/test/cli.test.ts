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

  it.each(['', 'global: {scrape_interval: 5s}\n', 'storage: {type: InMemory}\n', 'read_only: true\n'])(
    'takes %j, as the server does',
    async (text) => {
      const config = file('short.yml', text);
      expect(await run('check-config', config)).toMatchObject({ code: 0, stdout: expect.stringContaining(': OK: 0') });
      expect(await run('-c', config, '--check-config')).toMatchObject({ code: 0 });
    },
  );

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

  it('looks for the files with secrets and certificates', async () => {
    file(
      'jobs.yml',
      'scrape_configs:\n  - job_name: b\n    tls_config:\n      ca_file: good.yml\n      cert_file: none.crt\n      key_file: good.yml\n',
    );
    const named = file(
      'named.yml',
      'scrape_config_files: [jobs.yml]\nscrape_configs:\n  - {job_name: a, basic_auth: {username: u, password_file: none.txt}}\n',
    );
    const { code, stdout } = await run('check-config', named);
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'named.yml: FAILED',
      '  named.yml:3:60: scrape_configs[0].basic_auth.password_file: expected a file that can be read: none.txt',
      '  jobs.yml:5:18: scrape_configs[0].tls_config.cert_file: expected a file that can be read: none.crt',
      '',
    ]);
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

describe('query', () => {
  it('asks a server: instant, range, labels, series', async () => {
    const config = file('query.yml', 'storage: {type: InMemory}\nscrape_configs: []\n');
    const server = await startOurs('opendata-timeseries', ['-c', config], { cwd: folder });
    const openmetrics = file(
      'data.txt',
      '# TYPE a counter\na_total{x="1"} 5 1790000000\na_total{x="2"} 7 1790000000\n# EOF\n',
    );
    const ask = (...args: string[]) => run(...args, '--url', server.url);
    expect(await ask('import', openmetrics)).toMatchObject({ code: 0 });
    const at = ['--time', '1790000000'];
    expect(await ask('query', 'instant', 'a_total', ...at)).toEqual({
      code: 0,
      stdout: 'SERIES           VALUE\na_total{x="1"}   5\na_total{x="2"}   7\n',
      stderr: '',
    });
    expect((await ask('query', 'instant', 'scalar(sum(a_total))', ...at)).stdout).toBe('12\n');
    expect(JSON.parse((await ask('query', 'instant', 'sum(a_total)', '--json', ...at)).stdout)).toEqual({
      metric: {},
      value: [1_790_000_000, '12'],
    });
    const window = ['--start', '1790000000', '--end', '2026-09-21T14:14:20Z'];
    expect((await ask('query', 'range', 'max(a_total)', ...window, '--step', '30s')).stdout).toMatch(
      /^SERIES +TIME +VALUE\n\{\} +2026-09-21T14:13:20.000Z +7\n\{\} +2026-09-21T14:13:50.000Z +7\n\{\} +2026-09-21T14:14:20.000Z +7\n$/,
    );
    expect((await ask('query', 'range', 'max(a_total)', ...window, '--json')).stdout).toMatch(
      /^\{"metric":\{\},"values":\[\[1790000000,"7"\]/,
    );
    expect((await ask('query', 'labels', ...window)).stdout).toBe('__name__\nx\n');
    expect((await ask('query', 'labels', 'x', ...window, '--match', 'a_total{x!="1"}')).stdout).toBe('2\n');
    expect((await ask('query', 'labels', '__name__', '--json', ...window)).stdout).toBe('{"value":"a_total"}\n');
    expect((await ask('query', 'series', 'a_total', ...window)).stdout).toBe('a_total{x="1"}\na_total{x="2"}\n');
    const wrong = await ask('query', 'instant', 'sum(');
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^opendata-timeseries: bad_data: .*parse error/),
    ]);
    expect(JSON.parse((await ask('query', 'instant', 'sum(', '--json')).stderr)).toMatchObject({
      error: { code: 'bad_data', status: 400 },
    });
    expect((await ask('query', 'instant', 'rate(a[5m])', ...at)).code).toBe(0);
    await server.kill('SIGTERM');
    expect(await ask('import', openmetrics)).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(/ECONNREFUSED/),
    });
    expect(await ask('query', 'instant', 'up')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^opendata-timeseries: unavailable: .*ECONNREFUSED/),
    });
  });
});
