import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, storageSection, type Workspace } from '../support/databases.ts';
import { diskAt, everythingLost, type Loss, writeDisk } from '../support/disk-model.ts';
import { missing, momentsOf, record, startMachineAnew } from '../support/power-loss.ts';
import { seededRandom } from '../support/random.ts';
import { wrongStates } from '../support/synced-states.ts';
import { canTrace } from '../support/syscall-trace.ts';

/** `POWER_LOSS_CUTS=100 POWER_LOSS_SECONDS=20 npx vitest run test/server/power-loss.test.ts` is a long form. */
const cuts = Number(process.env['POWER_LOSS_CUTS'] ?? 4);
const lastsMs = Number(process.env['POWER_LOSS_SECONDS'] ?? 3) * 1000;
const random = seededRandom(Number(process.env['POWER_LOSS_SEED'] ?? 1));

let workspace: Workspace;
beforeAll(() => {
  workspace = createWorkspace();
});
afterAll(() => workspace.remove());

/** Some of the later names are kept, and all, half or nothing of each later write. */
const someLost: Loss = {
  names: (count) => Math.floor(random() * (count + 1)),
  bytes: (size) => [0, 0, size >> 1, size][Math.floor(random() * 4)]!,
};

/**
 * The system calls of a running server are recorded, and played to a disk that keeps nothing but what was synced, up to
 * some point; a server that is started on it has everything that was acknowledged before that point.
 */
describe.skipIf(!canTrace())('with fsync: true', () => {
  it.each(databases)(
    `$name has what it acknowledged after each of ${cuts} losses of power`,
    async (database) => {
      const { name } = database;
      // Everything that the engine does in minutes is done in seconds.
      const collect = '{interval: 700ms, min_age: 1s}';
      const settings = workspace.file(
        'slatedb.yaml',
        `garbage_collector_options: {wal_options: ${collect}, manifest_options: ${collect}, compacted_options: ${collect}, compactions_options: ${collect}}
l0_sst_size_bytes: 32768
`,
      );
      const more =
        name === 'opendata-log'
          ? 'segmentation: {seal_byte_limit: 1MiB, seal_interval: 1s}\n'
          : 'head: {window: 1m, late_grace: 0s}\n';
      const configOf = (folder: string): string =>
        `${storageSection(`{type: Local, path: ${folder}, fsync: true}`, `  settings_path: ${settings}\n`)}${more}`;

      const root = join(workspace.folder, `${name}-recorded`);
      mkdirSync(root);
      const config = workspace.file(`${name}.yaml`, configOf(root));
      const recording = await record(name, config, { folder: workspace.folder, lastsMs });
      expect(recording.acknowledged.length).toBeGreaterThan(20);
      const first = Math.min(...recording.acknowledged.map(({ line }) => line));

      const moments = momentsOf(recording).filter((line) => line >= first);
      expect(moments.length).toBeGreaterThan(20);

      const states = wrongStates(recording, join(root, 'db'), moments);
      expect(states.wrong.slice(0, 10)).toEqual([]);
      expect(states.named).toBeGreaterThan(0);

      const anywhere = (): number => Math.floor(first + random() * (recording.lines - first));
      const failures: string[] = [];
      let aside = 0;
      for (let i = 0; i < cuts; i++) {
        const cut =
          i === 0 ? recording.lines : i % 4 === 3 ? anywhere() : moments[Math.floor(random() * moments.length)]!;
        const loss = i % 2 === 0 ? everythingLost : someLost;
        const folder = join(workspace.folder, `${name}-${i}`);
        writeDisk(diskAt(recording.calls, root, cut), folder, loss);
        startMachineAnew(join(folder, 'db'));
        const what = `line ${cut} of ${recording.lines}, ${loss === everythingLost ? 'everything' : 'something'} lost`;
        const server = await startOn(database, workspace, configOf(folder)).catch((error: unknown) => String(error));
        if (typeof server === 'string') {
          failures.push(`${what}: ${server}`);
          if (process.env['POWER_LOSS_KEEP'] !== undefined) continue;
        } else {
          const wrong = await missing(name, server, recording, cut);
          if (wrong.length > 0) failures.push(`${what}: ${wrong.length} missing: ${wrong.slice(0, 10).join(', ')}`);
          if (server.output().includes('is put aside')) aside++;
          await server.kill('SIGKILL');
        }
        rmSync(folder, { recursive: true, maxRetries: 5 });
      }
      // biome-ignore lint/suspicious/noConsole: what a long run has seen
      console.info(
        `${name}: ${cuts} losses of power, after ${aside} of them something was put aside, ${failures.length} failures`,
      );
      expect(failures).toEqual([]);
    },
    240_000 + lastsMs + cuts * 60_000,
  );
});
