import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, until } from '../support/load.ts';
import { LogWitness } from '../support/log-witness.ts';
import { seededRandom } from '../support/random.ts';
import { startOurs } from '../support/server-process.ts';

/** `CRASH_KILLS=50 npx vitest run test/server/log-crash.test.ts` is the long form. */
const kills = Number(process.env['CRASH_KILLS'] ?? 4);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-log-crash-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(
  `loses, doubles and reorders no record acknowledged as durable over ${kills} x kill -9`,
  async () => {
    const random = seededRandom(20261122);
    const witness = new LogWitness();
    for (let round = 0; round < kills; round++) {
      const server = await startOurs('opendata-log', ['--data-dir', folder]);
      await witness.verify(server);
      const load = witness.startLoad({ clients: 8, url: () => server.url });
      const before = witness.acknowledged;
      await sleep(300 + random() * 900);
      await until('acknowledged writes', () => witness.acknowledged > before + 10);
      await server.kill('SIGKILL');
      await load.stop();
    }
    const server = await startOurs('opendata-log', ['--data-dir', folder]);
    await witness.verify(server);
    expect(witness.acknowledged).toBeGreaterThan(kills * 10);
    expect(await server.kill('SIGTERM')).toBe(0);
  },
  120_000 + kills * 60_000,
);
