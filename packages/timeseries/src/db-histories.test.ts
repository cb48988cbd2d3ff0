import { type Storage, silentLogger } from '@opendata/storage';
import { createMemoryStorage, type WriteFault } from '@opendata/storage/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NOW } from './db.testing.ts';
import { TimeSeriesDb } from './db.ts';
import {
  expectReads,
  Model,
  type Read,
  readArbitrary,
  readDb,
  requestArbitrary,
  sorted,
  type Write,
  write,
} from './db-model.testing.ts';

/** `HISTORIES=10000 npx vitest run packages/timeseries/src/db-histories.test.ts` is the long form. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 40);
const HOUR_MS = 3_600_000;
const RETENTION_MS = 10 * HOUR_MS;
const EVERYTHING: Read = { matchers: [], startMs: -1e15, endMs: 1e15 };

type Action = readonly Write[] | 'seal' | 'seal all' | 'forget' | 'restart' | 'crash' | { readonly hours: number };

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: requestArbitrary },
    { weight: 4, arbitrary: fc.constantFrom<Action>('seal', 'seal all') },
    { weight: 1, arbitrary: fc.constantFrom<Action>('forget', 'restart', 'crash') },
    { weight: 1, arbitrary: fc.record({ hours: fc.integer({ min: 1, max: 4 }) }) },
  ),
  { minLength: 1, maxLength: 16 },
);
const faults: fc.Arbitrary<WriteFault[]> = fc.array(
  fc.oneof(
    { weight: 14, arbitrary: fc.constant<WriteFault>('ok') },
    { weight: 3, arbitrary: fc.constantFrom<WriteFault>('crash-before', 'crash-after') },
    { weight: 1, arbitrary: fc.constantFrom<WriteFault>('fail-before', 'fail-after') },
  ),
  { maxLength: 50 },
);
const reads = fc.array(readArbitrary, { minLength: 2, maxLength: 4 });

/** A database on rows in memory whose process dies between any two writes of the engine, beside a map. */
class History {
  readonly model = new Model();
  readonly #rows = createMemoryStorage();
  #now = NOW;
  #db: TimeSeriesDb | undefined;

  constructor(planned: readonly WriteFault[]) {
    this.#rows.faults.push(...planned);
  }

  /** What can be read of the time that is kept. */
  #kept(read: Read): Read {
    return { ...read, startMs: Math.max(read.startMs, this.#now - RETENTION_MS) };
  }

  async #open(): Promise<TimeSeriesDb> {
    const now = (): number => this.#now;
    for (;;) {
      let storage: Storage | undefined;
      try {
        storage = await this.#rows.open();
        const options = { storage, logger: silentLogger, now, retentionMs: RETENTION_MS, graceMs: 0 };
        return (this.#db = await TimeSeriesDb.open(options));
      } catch (error) {
        await storage?.close().catch(() => undefined);
        if (!isCrash(error) && !/failed/.test(String(error))) throw error;
      }
    }
  }

  /** @returns false where the process has died meanwhile; the database is open again then */
  async #live(work: (db: TimeSeriesDb) => Promise<unknown>): Promise<boolean> {
    try {
      await work(this.#db ?? (await this.#open()));
      return true;
    } catch (error) {
      if (!isCrash(error)) throw error;
      await this.#die();
      return false;
    }
  }

  async #die(): Promise<void> {
    // Who has opened it anew has it: the one before can only end.
    const before = this.#db;
    await this.#open();
    await before?.close().catch(() => undefined);
  }

  async #holds(): Promise<boolean> {
    const expected = JSON.stringify(sorted(this.model.read(this.#kept(EVERYTHING))));
    let found = '';
    while (!(await this.#live(async (db) => (found = JSON.stringify(sorted(await readDb(db, EVERYTHING))))))) {}
    return found === expected;
  }

  async act(action: Action): Promise<void> {
    if (action === 'crash') await this.#die();
    else if (action === 'restart') {
      await this.#live((db) => db.close());
      await this.#open();
    } else if (action === 'forget') await this.#live((db) => db.forgetSeries());
    else if (action === 'seal' || action === 'seal all') {
      await this.#live((db) => db.seal(action === 'seal' ? 'complete' : 'all'));
    } else if ('hours' in action) this.#now += action.hours * HOUR_MS;
    else await this.#write(action.filter(({ timestampMs }) => timestampMs >= this.#now - RETENTION_MS));
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const acknowledged = await this.#live((db) => db.committed(write(db, writes)));
    // What was not acknowledged is there as a whole or not at all.
    if (acknowledged || !(await this.#holds())) this.model.write(writes);
  }

  /** @throws where a read differs from what the map has */
  async check(read: Read): Promise<void> {
    while (!(await this.#live((db) => expectReads(db, this.model, this.#kept(read))))) {}
  }

  async end(): Promise<void> {
    expect(await this.#holds()).toBe(true);
    await this.#die();
    expect(await this.#holds()).toBe(true);
    await this.#db?.close().catch(() => undefined);
  }
}

function isCrash(error: unknown): boolean {
  return error instanceof Error && /crashed/.test(`${error.message} ${String(error.cause)}`);
}

it(
  `holds what a map holds over seals, merges, retention, restarts and crashes, in ${HISTORIES} histories`,
  async () => {
    await fc.assert(
      fc.asyncProperty(actions, faults, reads, async (steps, planned, asked) => {
        const history = new History(planned);
        for (const [i, action] of steps.entries()) {
          await history.act(action);
          await history.check(asked[i % asked.length]!);
        }
        for (const read of asked) await history.check(read);
        await history.end();
      }),
      { numRuns: HISTORIES },
    );
  },
  60_000 + HISTORIES * 5000,
);
