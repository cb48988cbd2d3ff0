import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BlockInfo } from './blocks.ts';
import { silentLogger } from './logger.ts';
import { PageFiles, sharePageFiles } from './page-files.ts';
import { framePage } from './page-frame.ts';

let folder: string;
let opened: PageFiles[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'page-files-'));
  opened = [];
});
afterEach(async () => {
  for (const files of opened) await files.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(maxBytes = 1_000_000): Promise<PageFiles> {
  const files = (await PageFiles.open({ folder, maxBytes, logger: silentLogger }))!;
  opened.push(files);
  await files.idle();
  return files;
}

const blockOf = (id: number, descriptor = `block ${id}`): BlockInfo => ({
  id,
  kind: 'test',
  descriptor: Buffer.from(descriptor),
  pages: 1000,
  sizeBytes: 1_000_000,
  sealedLanes: [],
});

const bytesOf = (block: number, page: number) => new Uint8Array(Buffer.alloc(1000, `${block}:${page} `));

async function addPages(files: PageFiles, block: BlockInfo, pages: readonly number[]): Promise<void> {
  for (const page of pages) files.add(block, page, framePage(block.id, page, bytesOf(block.id, page)));
  await files.idle();
}

/** The numbers of the pages that are there, each checked. */
async function found(files: PageFiles, block: BlockInfo, count: number): Promise<number[]> {
  const pages = await files.read(block, 0, count);
  return pages.flatMap((bytes, page) => {
    if (bytes === undefined) return [];
    expect(Buffer.compare(bytes, bytesOf(block.id, page))).toBe(0);
    return [page];
  });
}

it('has what was added, also after the next start', async () => {
  const [one, two] = [blockOf(1), blockOf(2)];
  const files = await open();
  await addPages(files, one, [0, 2, 3]);
  await addPages(files, two, [1]);
  expect(await found(files, one, 5)).toEqual([0, 2, 3]);
  expect(await found(files, two, 5)).toEqual([1]);
  expect(files.stats).toMatchObject({ hits: 4, misses: 6 });
  await files.close();
  const again = await open();
  expect(await found(again, one, 5)).toEqual([0, 2, 3]);
  expect(await found(again, two, 5)).toEqual([1]);
  expect(again.stats.bytes).toBe(files.stats.bytes);
});

it('takes the pages of another block under the same number for what they are', async () => {
  const files = await open();
  await addPages(files, blockOf(1), [0, 1]);
  expect(await found(files, blockOf(1, 'made anew'), 2)).toEqual([]);
});

it('stays within its bytes, and lets go what was not read for longest', async () => {
  const files = await open(100_000);
  const kept = blockOf(1);
  await addPages(files, kept, [0]);
  for (let page = 0; page < 500; page++) {
    await addPages(files, blockOf(2), [page]);
    expect(await found(files, kept, 1)).toEqual([0]);
  }
  const size = readdirSync(join(folder, 'pages', '0')).reduce(
    (sum, name) => sum + statSync(join(folder, 'pages', '0', name)).size,
    0,
  );
  expect(size).toBeLessThan(101_000);
  expect(files.stats.bytes).toBeLessThanOrEqual(100_000);
  expect((await found(files, blockOf(2), 500)).at(-1)).toBe(499);
});

it('does without what is damaged or half written', async () => {
  const block = blockOf(1);
  const files = await open();
  await addPages(files, block, [0, 1, 2]);
  await files.close();
  const file = join(folder, 'pages', '0', '1.pages');
  truncateSync(file, statSync(file).size - 10);
  appendFileSync(join(folder, 'pages', '0', '7.pages'), Buffer.alloc(100, 0xff));
  expect(await found(await open(), block, 3)).toEqual([0, 1]);
  await opened.at(-1)!.close();
  const damaged = Buffer.alloc(statSync(file).size, 0x11);
  writeFileSync(file, damaged);
  const files2 = await open();
  expect(await found(files2, block, 3)).toEqual([]);
  await addPages(files2, block, [1]);
  expect(await found(files2, block, 3)).toEqual([1]);
});

it('is one for all of a process, and another for another process', async () => {
  const options = { folder, maxBytes: 1_000_000, logger: silentLogger };
  const [first, second] = [await sharePageFiles(options), await sharePageFiles(options)];
  expect(second.files).toBe(first.files);
  await first.release();
  await addPages(second.files!, blockOf(1), [0]);
  expect(await found(second.files!, blockOf(1), 1)).toEqual([0]);
  await second.release();

  writeFileSync(join(folder, 'pages', '0', 'owner'), String(process.ppid));
  expect(await found(await open(), blockOf(1), 1)).toEqual([]);
  expect(readdirSync(join(folder, 'pages')).sort()).toEqual(['0', '1']);
});

it('that cannot be used is done without', async () => {
  const files = await PageFiles.open({ folder: '/dev/null/cache', maxBytes: 1000, logger: silentLogger });
  expect(files).toBeUndefined();
});
