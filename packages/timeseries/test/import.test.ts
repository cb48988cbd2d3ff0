import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binPath, type ServerProcess, startOurs } from '../../../test/support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-import-'));
let server: ServerProcess;

beforeAll(async () => {
  const config = join(folder, 'prometheus.yaml');
  writeFileSync(config, 'storage: {type: InMemory}\n');
  server = await startOurs('opendata-timeseries', ['--config', config]);
});
afterAll(async () => {
  await server.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function send(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/api/v1/import/openmetrics`, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function values(query: string, timeS: number): Promise<unknown> {
  const response = await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent(query)}&time=${timeS}`);
  const { data } = (await response.json()) as { data: { result: { values?: unknown; value?: unknown }[] } };
  return data.result.map((one) => one.values ?? one.value);
}

const OLD_S = 1_000_000_000;
const GOOD = `# TYPE imported counter
# HELP imported What was imported.
imported_total{a="x"} 1 ${OLD_S} # {trace_id="t"} 1 ${OLD_S}
imported_total{a="x"} 2 ${OLD_S + 60}

# any comment
imported_total{a="y"} 3.5 ${OLD_S}.5
# EOF
`;

describe('POST /api/v1/import/openmetrics', () => {
  it('stores samples of any age, with what is said of them', async () => {
    const { status, body } = await send(GOOD);
    expect([status, body]).toEqual([
      200,
      { status: 'success', data: { samples: 3, rejected: 0, lines: 8, errors: [] } },
    ]);
    expect(await values('imported_total{a="x"}[2m]', OLD_S + 60)).toEqual([
      [
        [OLD_S, '1'],
        [OLD_S + 60, '2'],
      ],
    ]);
    expect(await values('imported_total{a="y"}', OLD_S + 1)).toEqual([[OLD_S + 1, '3.5']]);
    const metadata = await (await fetch(`${server.url}/api/v1/metadata?metric=imported`)).json();
    expect(metadata).toMatchObject({ data: { imported: [{ type: 'counter', help: 'What was imported.' }] } });
  });

  it('leaves out the lines that are wrong, and names the first', async () => {
    const future = Math.floor(Date.now() / 1000) + 3600;
    const text = `good 1 ${OLD_S}\nbad line\nno_time 1\nahead 1 ${future}\ntwice{a="1",a="2"} 1 ${OLD_S}\ngood 2 ${OLD_S + 1}`;
    const { status, body } = await send(text);
    expect(status).toBe(200);
    expect(body['data']).toMatchObject({
      samples: 2,
      rejected: 4,
      lines: 6,
      errors: [
        { line: 2, error: expect.stringContaining('value after metric') },
        { line: 3, error: expect.stringContaining('expected a timestamp in seconds') },
        { line: 4, error: expect.stringContaining('10 minutes in the future') },
        { line: 5, error: expect.stringContaining('not unique') },
      ],
    });
    const nothing = await send('bad\nbad again');
    expect([nothing.status, nothing.body]).toMatchObject([
      400,
      { status: 'error', errorType: 'bad_data', error: expect.stringContaining('line 1'), data: { rejected: 2 } },
    ]);
  });

  it('takes gzip, and says where a body cannot be read', async () => {
    const zipped = Uint8Array.from(gzipSync(`zipped 1 ${OLD_S}\n`));
    expect((await send(zipped, { 'content-encoding': 'gzip' })).body).toMatchObject({ data: { samples: 1 } });
    expect(await send('x', { 'content-encoding': 'gzip' })).toMatchObject({
      status: 400,
      body: { error: 'the body is not valid gzip' },
    });
    expect((await send('x', { 'content-encoding': 'br' })).status).toBe(415);
    expect(await send(`long{a="${'x'.repeat(3 * 1024 * 1024)}"} 1 1`)).toMatchObject({
      status: 400,
      body: { error: 'a line has more than 1048576 bytes' },
    });
  });

  it('answers others while a long body is read', async () => {
    const lines = Array.from(
      { length: 300_000 },
      (_, i) => `many{i="${i % 1000}"} ${i} ${OLD_S + Math.floor(i / 1000) * 10}`,
    );
    const pending = send(`${lines.join('\n')}\n`);
    let isDone = false;
    void pending.then(() => {
      isDone = true;
    });
    let answers = 0;
    while (!isDone) {
      expect((await fetch(`${server.url}/-/healthy`)).status).toBe(200);
      answers++;
    }
    expect((await pending).body).toMatchObject({ data: { samples: 300_000, rejected: 0 } });
    expect(answers).toBeGreaterThan(1);
    expect(await values('sum(count_over_time(many[2h]))', OLD_S + 3000)).toEqual([[OLD_S + 3000, '300000']]);
  });
});

describe('opendata-timeseries import', () => {
  const run = promisify(execFile);
  const bin = binPath('opendata-timeseries');

  it('sends files, also compressed ones, and says what came of each', async () => {
    const good = join(folder, 'good.txt');
    const zipped = join(folder, 'zipped.txt.gz');
    const bad = join(folder, 'bad.txt');
    writeFileSync(good, `cli 1 ${OLD_S}\n`);
    writeFileSync(zipped, gzipSync(`cli 2 ${OLD_S + 10}\n`));
    writeFileSync(bad, `cli 3 ${OLD_S + 20}\nwrong\n`);
    const { stdout } = await run(process.execPath, [bin, 'import', good, zipped, '--url', server.url]);
    expect(stdout).toMatch(/good\.txt: 1 samples in .* 0 lines rejected\n.*zipped\.txt\.gz: 1 samples/s);
    const failed = (await run(process.execPath, [bin, 'import', bad, '--json', '--url', server.url]).catch(
      (error: unknown) => error,
    )) as { code: number; stdout: string };
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, samples: 1, rejected: 1, errors: [{ line: 2 }] });
    expect(await values('cli[1m]', OLD_S + 30)).toHaveLength(1);
    const gone = (await run(process.execPath, [bin, 'import', join(folder, 'none'), '--url', server.url]).catch(
      (error: unknown) => error,
    )) as { code: number; stdout: string };
    expect([gone.code, gone.stdout]).toEqual([1, expect.stringContaining('ENOENT')]);
  });
});
