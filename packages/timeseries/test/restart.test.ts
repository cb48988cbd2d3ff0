import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, expect, it } from 'vitest';
import { type ServerProcess, startOurs } from '../../../test/support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-restart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function query(
  server: ServerProcess,
  text: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const response = await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent(text)}`);
  return ((await response.json()) as { data: { result: never[] } }).data.result;
}

it('keeps what was written and scraped over an orderly restart and over kill -9', async () => {
  let scrapes = 0;
  const exporter = createServer((_request, response) => {
    response
      .setHeader('content-type', 'text/plain')
      .end(`# TYPE visits counter\nvisits_total{page="/"} ${++scrapes}\n`);
  });
  await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
  const config = join(folder, 'prometheus.yaml');
  writeFileSync(
    config,
    `storage: {type: SlateDb, path: ts, object_store: {type: Local, path: ${join(folder, 'data')}}}
scrape_configs: [{job_name: e, scrape_interval: 500ms, static_configs: [{targets: ['${target}']}]}]
flush_interval_secs: 0.1
`,
  );
  const write = async (server: ServerProcess, value: number) => {
    const series = [
      { labels: ['__name__', 'written', 'id', String(value)], samples: [{ timestampMs: Date.now(), value }] },
    ];
    const metadata = [{ family: 'written', type: 'gauge' as const, help: 'h', unit: '' }];
    const response = await fetch(`${server.url}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: snappyCompress(encodeWriteRequest({ series, metadata })),
    });
    expect(response.status).toBe(204);
  };
  try {
    let server = await startOurs('opendata-timeseries', ['--config', config]);
    await write(server, 1);
    while (scrapes < 5) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await query(server, 'up')).toMatchObject([
      { metric: { job: 'e', instance: target }, value: [expect.anything(), '1'] },
    ]);
    const metadata = await (await fetch(`${server.url}/api/v1/metadata?metric=written`)).json();
    expect(metadata).toEqual({ status: 'success', data: { written: [{ type: 'gauge', help: 'h', unit: '' }] } });
    const [stored] = await query(server, 'count_over_time(visits_total[1h])');
    expect(await server.kill('SIGTERM')).toBe(0);

    server = await startOurs('opendata-timeseries', ['--config', config]);
    await write(server, 2);
    const written = await query(server, 'sort(written)');
    expect(written.map(({ value }) => value[1])).toEqual(['1', '2']);
    const [counted] = await query(server, 'count_over_time(visits_total[1h])');
    expect(Number(counted!.value[1])).toBeGreaterThanOrEqual(Number(stored!.value[1]));
    await server.kill('SIGKILL');

    server = await startOurs('opendata-timeseries', ['--config', config]);
    expect((await query(server, 'sort(written)')).map(({ value }) => value[1])).toEqual(['1', '2']);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/scrape_samples_scraped\{job="e",instance="127\.0\.0\.1:\d+"\} \d+/);
    expect(metrics).toContain('remote_write_samples_ingested_total 0');
    expect(metrics).toMatch(/tsdb_head_series \d+/);
    expect(await server.kill('SIGTERM')).toBe(0);
  } finally {
    exporter.closeAllConnections();
    exporter.close();
  }
});
