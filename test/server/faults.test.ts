import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useBucketRig } from '../support/bucket-rig.ts';
import { databases } from '../support/databases.ts';
import { faultKinds } from '../support/fault-kinds.ts';
import { startTrials, type TrialResult } from '../support/fault-trial.ts';
import { seededRandom } from '../support/random.ts';
import { type RotatingCredentials, startRotatingCredentials } from '../support/rotating-credentials.ts';

/**
 * `FAULT_RUNS=200 npx vitest run test/server/faults.test.ts` is the long form; `FAULT_SEED` makes others of them, and
 * `FAULT_REPORT` names a file that gets a line of JSON for each.
 */
const runs = Number(process.env['FAULT_RUNS'] ?? faultKinds.length);
const seed = Number(process.env['FAULT_SEED'] ?? 1);
const report = process.env['FAULT_REPORT'];
/** Then a new one is begun, so that what is compared stays small. */
const runsPerDatabase = 20;

/** Blocks of a minute are sealed and merged while the faults go on; the log's segments end by their size. */
const shortWindows = { 'opendata-timeseries': 'head: {window: 1m, late_grace: 0s}\n', 'opendata-log': '' };

const rig = useBucketRig();
let credentials: RotatingCredentials;
beforeAll(async () => {
  credentials = await startRotatingCredentials(join(rig.workspace.folder, 'identity'));
});
afterAll(() => credentials.stop());

/** The log shares the storage foundation: a quarter of the runs. */
it.each(databases.map((database) => ({ database, share: database.name === 'opendata-log' ? 0.25 : 1 })))(
  '$database.name loses and doubles nothing acknowledged and comes back by itself, fault after fault',
  async ({ database, share }) => {
    const random = seededRandom(seed);
    const kinds = shuffledKinds(Math.ceil(runs * share), random);
    const results: TrialResult[] = [];
    for (let done = 0; done < kinds.length; done += runsPerDatabase) {
      const trials = await startTrials(database, rig, credentials, shortWindows[database.name]);
      for (const kind of kinds.slice(done, done + runsPerDatabase)) {
        const result = await trials.run(kind, random);
        results.push(result);
        if (report) appendFileSync(report, `${JSON.stringify({ server: database.name, seed, ...result })}\n`);
      }
      await trials.end();
    }
    expect(results).toHaveLength(kinds.length);
  },
  120_000 + runs * 60_000,
);

/** Every kind as often as every other, in an order of chance. */
function shuffledKinds(count: number, random: () => number) {
  const kinds = [];
  while (kinds.length < count) {
    const rest = [...faultKinds];
    while (rest.length > 0) kinds.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return kinds.slice(0, count);
}
