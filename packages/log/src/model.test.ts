import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageConfig } from '@opendata/storage';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LogDb } from './db.ts';
import { compareKeys } from './key-bytes.ts';
import { hasPrefix } from './key-merge.ts';
import { openLog } from './open-log.ts';
import type { LogSelection } from './selection.ts';

/** What the log must answer: all records that were ever appended, and where those begin that are left. */
interface Model {
  records: { key: Uint8Array; value: Uint8Array; arrivalTimeMs: number; timestampMs?: number | undefined }[];
  first: number;
}

const key = fc.array(fc.constantFrom(0x61, 0x62, 0xff), { maxLength: 3 }).map((bytes) => Uint8Array.from(bytes));
const record = fc.record({
  key,
  value: fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.nat(70_000).map((size) => new Uint8Array(size).fill(size)),
  ),
  timestampMs: fc.option(fc.nat(), { nil: undefined }),
});
const keys = fc.option(fc.array(key, { maxLength: 3 }), { nil: undefined });
const check = fc.record({
  kind: fc.constant('check' as const),
  keys,
  prefixes: keys,
  start: fc.nat(90),
  end: fc.option(fc.nat(120), { nil: undefined }),
  limit: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  last: fc.option(fc.nat(20), { nil: undefined }),
  sinceMs: fc.option(fc.nat(4000), { nil: undefined }),
  reverse: fc.boolean(),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      records: fc.array(record, { minLength: 1, maxLength: 10 }),
      awaitDurable: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('seal', 'settle', 'flush', 'expire') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: fc.nat(1500) }) },
  { weight: 6, arbitrary: check },
);
type Check = typeof check extends fc.Arbitrary<infer T> ? T : never;

const firstMs = 1_000_000;
const retentionMs = 5000;

function isSelected({ keys, prefixes }: LogSelection, asked: Uint8Array): boolean {
  if (keys === undefined && prefixes === undefined) return true;
  const isNamed = keys?.some((each) => compareKeys(each, asked) === 0) ?? false;
  return isNamed || (prefixes?.some((prefix) => hasPrefix(asked, prefix)) ?? false);
}

function expected(model: Model, selection: LogSelection, check: Check) {
  const { start, end = Number.POSITIVE_INFINITY, limit, last, sinceMs, reverse } = check;
  let found = model.records
    .map((each, sequence) => ({ sequence, ...each }))
    .filter(({ sequence }) => sequence >= Math.max(start, model.first) && sequence < end)
    .filter((each) => sinceMs === undefined || each.arrivalTimeMs >= firstMs + sinceMs)
    .filter((each) => isSelected(selection, each.key));
  if (last !== undefined) found = last === 0 ? [] : found.slice(-last);
  if (reverse) found.reverse();
  return found.slice(0, limit).map(({ timestampMs, ...rest }) => ({
    ...rest,
    ...(timestampMs !== undefined && { timestampMs }),
  }));
}

function plain<T extends { readonly value: Uint8Array; readonly key?: Uint8Array }>(found: T) {
  return { ...found, value: Uint8Array.from(found.value), ...(found.key && { key: Uint8Array.from(found.key) }) };
}

async function compare(log: LogDb, model: Model, asked: Check): Promise<void> {
  const selection = { keys: asked.keys, prefixes: asked.prefixes };
  const { start, end, limit, last, reverse, sinceMs } = asked;
  const options = {
    start,
    ...(end !== undefined && { end }),
    ...(limit !== undefined && { limit }),
    last,
    reverse,
    startTimeMs: sinceMs === undefined ? undefined : firstMs + sinceMs,
  };
  const found: unknown[] = [];
  for await (const each of log.read(selection, options)) found.push(plain(each));
  expect(found).toEqual(expected(model, selection, asked));
  const [one] = asked.keys ?? [];
  if (one === undefined) return;
  const scanned: unknown[] = [];
  for await (const each of log.scan(one, options)) scanned.push({ ...plain(each), key: one });
  expect(scanned).toEqual(expected(model, { keys: [one] }, asked));
  const range = { start, ...(end !== undefined && { end }) };
  expect(await log.count(one, range)).toBe(
    expected(model, { keys: [one] }, { ...asked, limit: undefined, last: undefined, sinceMs: undefined }).length,
  );
}

it('answers as a plain array through appends, seals, retention and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(2, 3, 8), async (steps, mergeCount) => {
      const path = mkdtempSync(join(tmpdir(), 'opendata-log-'));
      const config: StorageConfig = { type: 'SlateDb', path: 'log', object_store: { type: 'Local', path } };
      let nowMs = firstMs;
      const options = { now: () => nowMs, retentionMs, sealIntervalMs: retentionMs, checkIntervalMs: 1e9, mergeCount };
      const model: Model = { records: [], first: 0 };
      let arrivalTimeMs = 0;
      let log = await openLog(config, options);
      try {
        for (const each of steps) {
          if (each.kind === 'append') {
            await log.append(each.records, { awaitDurable: each.awaitDurable });
            arrivalTimeMs = Math.max(arrivalTimeMs, nowMs);
            model.records.push(...each.records.map((one) => ({ ...one, arrivalTimeMs })));
          } else if (each.kind === 'clock') nowMs += each.byMs;
          else if (each.kind === 'seal') log.sealActive();
          else if (each.kind === 'settle') await log.sealed();
          else if (each.kind === 'flush') await log.flush();
          else if (each.kind === 'expire') {
            await log.expire();
            // Which segments there are is the log's affair; that none goes too early is looked at here.
            const { firstSequence } = log;
            expect(firstSequence).toBeGreaterThanOrEqual(model.first);
            for (const old of model.records.slice(model.first, firstSequence)) {
              expect(old.arrivalTimeMs).toBeLessThanOrEqual(nowMs - retentionMs);
            }
            model.first = firstSequence;
          } else if (each.kind === 'reopen') {
            await log.close();
            log = await openLog(config, options);
            model.first = log.firstSequence;
          } else if (each.kind === 'check') await compare(log, model, each);
          expect(log.nextSequence).toBe(model.records.length);
        }
        const left = new Map(
          model.records.slice(model.first).map((one) => [Buffer.from(one.key).toString('hex'), one.key]),
        );
        const listed: string[] = [];
        for await (const each of log.keys()) listed.push(Buffer.from(each).toString('hex'));
        expect(listed).toEqual([...left.values()].sort(compareKeys).map((one) => Buffer.from(one).toString('hex')));
      } finally {
        await log.close();
        rmSync(path, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});
