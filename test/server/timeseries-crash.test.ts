import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';

/** `CRASH_KILLS=50 npx vitest run test/server/timeseries-crash.test.ts` is the long form. */
const kills = Number(process.env['CRASH_KILLS'] ?? 4);
const writerCount = 6;
const seriesPerWriter = 40;
const stepMs = 1000;

let folder = '';
let config = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-timeseries-crash-'));
  config = join(folder, 'prometheus.yaml');
  writeFileSync(
    config,
    `storage:\n  type: SlateDb\n  path: ts\n  object_store: {type: Local, path: ${join(folder, 'data')}}\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Per writer: the scrapes (indexes of the step) that were sent and that were acknowledged. */
interface Witness {
  readonly sent: number[][];
  readonly acknowledged: Set<number>[];
}

it(
  `loses and doubles no sample acknowledged as durable over ${kills} x kill -9`,
  async () => {
    const random = seededRandom(20261122);
    const startMs = Math.floor(Date.now() / stepMs) * stepMs - 6 * 3_600_000;
    const witness: Witness = {
      sent: Array.from({ length: writerCount }, () => []),
      acknowledged: Array.from({ length: writerCount }, () => new Set()),
    };
    for (let round = 0; round < kills; round++) {
      const server = await startOurs('opendata-timeseries', ['--config', config]);
      await verify(server, witness, startMs);
      const running = { on: true };
      const writers = witness.sent.map((_, writer) => writeUntilStopped(server, witness, running, writer, startMs));
      await new Promise((resolve) => setTimeout(resolve, 300 + random() * 900));
      await server.kill('SIGKILL');
      running.on = false;
      await Promise.all(writers);
    }
    const server = await startOurs('opendata-timeseries', ['--config', config]);
    await verify(server, witness, startMs);
    expect(witness.acknowledged.reduce((sum, scrapes) => sum + scrapes.size, 0)).toBeGreaterThan(kills * 10);
    expect(await server.kill('SIGTERM')).toBe(0);
  },
  60_000 + kills * 15_000,
);

function valueOf(writer: number, series: number, scrape: number): number {
  return writer * 1e6 + series * 1e4 + ((scrape * 7919) % 9973);
}

async function writeUntilStopped(
  server: ServerProcess,
  witness: Witness,
  running: { on: boolean },
  writer: number,
  startMs: number,
): Promise<void> {
  const sent = witness.sent[writer]!;
  while (running.on) {
    const scrape = sent.length;
    sent.push(scrape);
    const body = snappyCompress(
      encodeWriteRequest({
        series: Array.from({ length: seriesPerWriter }, (_, series) => ({
          labels: ['__name__', 'crash_witness', 'series', `s${series}`, 'writer', `w${writer}`],
          samples: [{ timestampMs: startMs + scrape * stepMs, value: valueOf(writer, series, scrape) }],
        })),
      }),
    );
    try {
      const response = await fetch(`${server.url}/api/v1/write`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
        body,
      });
      await response.arrayBuffer();
      if (response.status === 204 || response.status === 200) witness.acknowledged[writer]!.add(scrape);
    } catch {
      // the server was killed: what became of this request is unknown
    }
  }
}

async function verify(server: ServerProcess, witness: Witness, startMs: number): Promise<void> {
  for (const [writer, sent] of witness.sent.entries()) {
    if (sent.length === 0) continue;
    const rangeSeconds = sent.length + 10;
    const endSeconds = startMs / 1000 + sent.length;
    const response = await fetch(
      `${server.url}/api/v1/query?${new URLSearchParams({
        query: `crash_witness{writer="w${writer}"}[${rangeSeconds}s]`,
        time: String(endSeconds),
      })}`,
    );
    expect(response.status).toBe(200);
    const answer = (await response.json()) as {
      data: { result: { metric: { series: string }; values: [number, string][] }[] };
    };
    const acknowledged = witness.acknowledged[writer]!;
    if (acknowledged.size > 0) expect(answer.data.result).toHaveLength(seriesPerWriter);
    for (const { metric, values } of answer.data.result) {
      const series = Number(metric.series.slice(1));
      const scrapes = new Set<number>();
      for (const [seconds, value] of values) {
        const scrape = Math.round((seconds * 1000 - startMs) / stepMs);
        expect(scrapes.has(scrape), `scrape ${scrape} of writer ${writer} twice`).toBe(false);
        scrapes.add(scrape);
        expect(Number(value)).toBe(valueOf(writer, series, scrape));
      }
      for (const scrape of acknowledged) {
        if (!scrapes.has(scrape)) expect.fail(`acknowledged scrape ${scrape} of writer ${writer} is missing`);
      }
    }
  }
}
