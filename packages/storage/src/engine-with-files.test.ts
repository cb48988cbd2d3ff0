import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { StorageConfig } from './config.ts';
import { engineWithFiles } from './engine-with-files.ts';
import { silentLogger } from './logger.ts';
import { createMemoryStore, type WriteFault } from './memory-engine.testing.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { openReadOnlyStorage } from './read-only-storage.ts';
import { RowFiles } from './row-files.ts';
import { openStorage, type Storage, startStorage } from './storage.ts';
import { commands, walk } from './storage-model.testing.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'engine-with-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const configFor = (path: string): StorageConfig => ({
  type: 'SlateDb',
  path: 'db',
  object_store: { type: 'Local', path },
});

async function open(folder: string): Promise<Storage> {
  const storage = await openStorage(configFor(folder), { logger: silentLogger, removalGraceMs: 0 });
  onTestFinished(() => storage.close().catch(() => undefined));
  return storage;
}

const files = (folder: string): string[] =>
  readdirSync(join(folder, 'db/rows'))
    .map((name) => name.slice(0, -17))
    .sort();

const large = (fill: string): Uint8Array => bytes(fill.repeat(40_000));

async function append(storage: Storage, lane: number, ...entries: Uint8Array[]): Promise<void> {
  for (const entry of entries) storage.journal.append(lane, entry);
  await storage.journal.flush();
}

async function lanesOf(storage: Storage): Promise<string[]> {
  return (await recoverAll(storage)).map(({ lane, text }) => `${lane}${text[0]}${text.length}`);
}

it('brings large and small rows back, whoever wrote them', async () => {
  const folder = temporaryFolder();
  const first = await open(folder);
  await recoverAll(first);
  await append(first, 1, large('a'));
  await append(first, 1, bytes('b'));
  await append(first, 2, large('c'));
  const second = await open(folder);
  expect(await lanesOf(second)).toEqual(['1a40000', '1b1', '2c40000']);
  expect(await codeOf(append(first, 1, large('lost')))).toBe('fenced');
  await append(second, 1, large('d'), large('e'));
  await second.close();
  expect(files(folder)).toEqual(['lane-1', 'lane-1', 'lane-2']);
  const third = await open(folder);
  expect(await lanesOf(third)).toEqual(['1a40000', '1b1', '2c40000', '1d40000', '1e40000']);
});

it('keeps all pages in one file a block, and nothing of what was swept after the next start', async () => {
  const folder = temporaryFolder();
  const storage = await open(folder);
  await recoverAll(storage);
  await append(storage, 1, large('a'));
  await append(storage, 2, large('b'));
  for (const id of [1, 2]) {
    const writer = storage.blocks.create('test');
    for (let page = 0; page < 700; page++) await writer.writePage(bytes(`${id}/${page} ${'x'.repeat(page * 10)}`));
    await storage.blocks.publish(writer, { descriptor: bytes('d'), sealsLanes: id === 1 ? [1] : [] });
  }
  const pages = async (from: Storage, id: number): Promise<string[]> =>
    (await from.blocks.readPages(id, 0, 700)).map((page) => Buffer.from(page).toString().split(' ')[0]!);
  const expected = Array.from({ length: 700 }, (_, page) => `2/${page}`);
  expect(await pages(storage, 2)).toEqual(expected);
  await storage.blocks.remove([1]);
  await storage.sweep();
  await storage.close();
  const again = await open(folder);
  expect(await lanesOf(again)).toEqual(['2b40000']);
  expect(await again.blocks.readPages(2, 699, 1)).toMatchObject([{ length: 6 + 6990 }]);
  expect(await pages(again, 2)).toEqual(expected);
  await expect.poll(() => files(folder)).toEqual(['block-2', 'lane-2']);
});

it('writes a page with its commit where it could not be written before', async () => {
  const root = temporaryFolder();
  const store = createMemoryStore();
  const rowFiles = await RowFiles.open({ root, fsync: false, graceMs: 0, logger: silentLogger });
  const below = store.open();
  let scans = 0;
  const scan: typeof below.scan = (...args) => {
    scans++;
    return below.scan(...args);
  };
  const engine = engineWithFiles({ ...below, scan }, rowFiles);
  let failures = 0;
  const stow = async (): Promise<never> => {
    failures++;
    throw new Error('the disk is full');
  };
  const storage = await startStorage(
    { ...engine, stow },
    {
      logger: silentLogger,
      files: rowFiles,
      removalGraceMs: 0,
      commitIntervalMs: 0,
      commitTimeoutMs: 60_000,
      pageCacheBytes: 1,
      budgetBytes: 1_000_000,
    },
  );
  onTestFinished(() => storage.close());
  const writer = storage.blocks.create('test');
  for (const fill of ['a', 'b', 'c', 'd']) await writer.writePage(large(fill));
  await storage.blocks.publish(writer, { descriptor: bytes('d') });
  expect(failures).toBe(4);
  // Where they are is known from the writing.
  scans = 0;
  const pages = await storage.blocks.readPages(writer.id, 0, 4);
  expect(pages.map((page) => Buffer.from(page).toString('latin1', 0, 1))).toEqual(['a', 'b', 'c', 'd']);
  expect(scans).toBe(0);
});

it('is followed by readers of the folder', async () => {
  const folder = temporaryFolder();
  const storage = await open(folder);
  await recoverAll(storage);
  await append(storage, 1, large('a'));
  const reader = await openReadOnlyStorage(configFor(folder), { logger: silentLogger, pollMs: 20 });
  onTestFinished(() => reader.close());
  const seen: string[] = [];
  for await (const { entry } of reader.recover()) seen.push(`${entry.length}`);
  await append(storage, 1, large('b'), bytes('c'));
  const writer = storage.blocks.create('test');
  await writer.writePage(large('p'));
  await storage.blocks.publish(writer, { descriptor: bytes('d') });
  const stop = new AbortController();
  // Which of the two is seen first is left open.
  let hasBlock = false;
  for await (const { entries, blocksAdded } of reader.follow(stop.signal)) {
    for (const { entry } of entries) seen.push(`${entry.length}`);
    if (blocksAdded.length > 0) hasBlock = true;
    if (hasBlock && seen.length > 1) stop.abort();
  }
  expect(seen).toEqual(['40000', '40000', '1']);
  expect(await reader.blocks.readPages(1, 0, 1)).toMatchObject([{ length: 40_000 }]);
});

it('does not open without the file of a row that it needs', async () => {
  const folder = temporaryFolder();
  const storage = await open(folder);
  await recoverAll(storage);
  await append(storage, 1, large('a'));
  await storage.close();
  const [name] = readdirSync(join(folder, 'db/rows'));
  rmSync(join(folder, 'db/rows', name!));
  expect(await codeOf(recoverAll(await open(folder)))).toBe('corrupt');
});

it('keeps what was acknowledged, and nothing else, over crashes between any two operations', async () => {
  const faults = fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.constant<WriteFault>('ok') },
      { weight: 2, arbitrary: fc.constantFrom<WriteFault>('crash-before', 'crash-after') },
      { weight: 1, arbitrary: fc.constantFrom<WriteFault>('fail-before', 'fail-after') },
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(commands, faults, async (steps, planned) => {
      const root = mkdtempSync(join(tmpdir(), 'engine-with-files-'));
      const store = createMemoryStore();
      store.faults.push(...planned);
      const reopen = async (): Promise<Storage> => {
        const engine = store.open();
        const rowFiles = await RowFiles.open({ root, fsync: false, graceMs: 0, logger: silentLogger });
        return startStorage(engineWithFiles(engine, rowFiles, 6), {
          logger: silentLogger,
          files: rowFiles,
          removalGraceMs: 0,
          commitIntervalMs: 0,
          commitTimeoutMs: 60_000,
          retryMs: 1,
          pageCacheBytes: 1,
          groupBytes: 400,
          largeGroupBytes: 1,
          budgetBytes: 1_000_000,
        });
      };
      try {
        await walk(steps, { reopen, rows: () => [...store.rows.entries()].sort().map(([, row]) => row) });
        store.faults.length = 0;
        const owners = new Set<string>();
        for (const [key] of store.rows) {
          if (key.startsWith('02')) owners.add(`lane-${Number.parseInt(key.slice(18, 34), 16)}`);
          if (key.startsWith('06')) owners.add(`block-${Number.parseInt(key.slice(2, 18), 16)}`);
        }
        const left = (): string[] =>
          readdirSync(join(root, 'rows'))
            .map((name) => name.slice(0, -17))
            .filter((name) => !owners.has(name));
        // What was to be removed when it closed is removed after the next start; so is, after the one behind it, what a
        // storage that crashed was still writing: here its process lives on.
        for (let start = 0; start < 5 && left().length > 0; start++) {
          const storage = await reopen();
          await recoverAll(storage);
          await vi.waitUntil(() => left().length === 0, { interval: 2, timeout: 5000 }).catch(() => undefined);
          await storage.close();
        }
        expect(left()).toEqual([]);
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }),
    // Not shrunk: a file that is late is not late again, and the looking for it would take longer than the test may.
    { numRuns: 100, endOnFailure: true },
  );
});
