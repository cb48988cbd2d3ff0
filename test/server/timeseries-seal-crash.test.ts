import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, until } from '../support/load.ts';
import { seededRandom } from '../support/random.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';
import { TimeSeriesWitness } from '../support/timeseries-witness.ts';

/** `CRASH_KILLS=50 npx vitest run test/server/timeseries-seal-crash.test.ts` is the long form. */
const kills = Number(process.env['CRASH_KILLS'] ?? 4);

let folder = '';
let config = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-timeseries-seal-crash-'));
  config = join(folder, 'prometheus.yaml');
  // Windows of a minute: a second of load goes through several, which then merge by six and by 24.
  writeFileSync(
    config,
    `head: {window: 1m, late_grace: 0s}
storage: {type: SlateDb, path: ts, object_store: {type: Local, path: ${join(folder, 'data')}}}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Seals and merges again and again until the server is gone; `written` counts blocks that were told of. */
function sealAllTheTime(
  server: ServerProcess,
  random: () => number,
): { written: number; readonly ended: Promise<void> } {
  const seals = { written: 0, ended: Promise.resolve() };
  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(random() * 60);
      const answer = await fetch(`${server.url}/-/flush?all=${random() < 0.5}`, { method: 'POST' })
        .then(async (response) => (await response.json()) as { data?: { sealedBlocks: number } })
        .catch(() => undefined);
      if (answer === undefined) return;
      seals.written += answer.data?.sealedBlocks ?? 0;
    }
  };
  seals.ended = run();
  return seals;
}

it(
  `loses and doubles no acknowledged sample while windows are sealed and merged, over ${kills} x kill -9`,
  async () => {
    const random = seededRandom(20261123);
    const witness = new TimeSeriesWitness();
    let blocks = 0;
    for (let round = 0; round < kills; round++) {
      const server = await startOurs('opendata-timeseries', ['--config', config]);
      await witness.verify(server);
      const load = witness.startLoad({ clients: 6, url: () => server.url });
      const seals = sealAllTheTime(server, random);
      const before = witness.acknowledged;
      await sleep(300 + random() * 900);
      await until('acknowledged writes', () => witness.acknowledged > before + 10);
      await until('a block', () => seals.written > 0);
      await sleep(random() * 300);
      await server.kill('SIGKILL');
      await load.stop();
      await seals.ended;
      blocks += seals.written;
    }
    const server = await startOurs('opendata-timeseries', ['--config', config]);
    await witness.verify(server);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^tsdb_block_samples [1-9]/m);
    expect(blocks).toBeGreaterThanOrEqual(kills);
    expect(witness.acknowledged).toBeGreaterThan(kills * 10);
    expect(await server.kill('SIGTERM')).toBe(0);
  },
  120_000 + kills * 60_000,
);
