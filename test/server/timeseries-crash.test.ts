import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, until } from '../support/load.ts';
import { seededRandom } from '../support/random.ts';
import { startOurs } from '../support/server-process.ts';
import { TimeSeriesWitness } from '../support/timeseries-witness.ts';

/** `CRASH_KILLS=50 npx vitest run test/server/timeseries-crash.test.ts` is the long form. */
const kills = Number(process.env['CRASH_KILLS'] ?? 4);

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

it(
  `loses and doubles no sample acknowledged as durable over ${kills} x kill -9`,
  async () => {
    const random = seededRandom(20261122);
    const witness = new TimeSeriesWitness();
    for (let round = 0; round < kills; round++) {
      const server = await startOurs('opendata-timeseries', ['--config', config]);
      await witness.verify(server);
      const load = witness.startLoad({ clients: 6, url: () => server.url });
      const before = witness.acknowledged;
      await sleep(300 + random() * 900);
      await until('acknowledged writes', () => witness.acknowledged > before + 10);
      await server.kill('SIGKILL');
      await load.stop();
    }
    const server = await startOurs('opendata-timeseries', ['--config', config]);
    await witness.verify(server);
    expect(witness.acknowledged).toBeGreaterThan(kills * 10);
    expect(await server.kill('SIGTERM')).toBe(0);
  },
  120_000 + kills * 60_000,
);
