import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spawnOurs, startOurs } from '../support/server-process.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-port-taken-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The everyday mistake: the same command once more, while the first is still running. */
it.each(['opendata-timeseries', 'opendata-log'] as const)(
  'a second %s on a taken port ends without taking the database from the first',
  async (name) => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(
      file,
      `storage:\n  type: SlateDb\n  path: db\n  object_store: {type: Local, path: ${join(folder, name)}}\n`,
    );
    const first = await startOurs(name, ['--config', file]);
    const second = await spawnOurs(name, ['--config', file], { port: first.port });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`port ${first.port} is already in use`);
    // An idle writer learns within a second that it was fenced.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await fetch(`${first.url}/-/ready`)).status).toBe(200);
    expect(await first.kill('SIGTERM')).toBe(0);
  },
);
