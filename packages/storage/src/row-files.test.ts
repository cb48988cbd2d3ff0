import { execFileSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from './logger.ts';
import { bytes, codeOf } from './open-storage.testing.ts';
import { decodePlace, encodePlace, type FileOwner, RowFileReader, RowFiles } from './row-files.ts';

async function opened({ graceMs = 0, fsync = false } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'row-files-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const open = async () => {
    const files = await RowFiles.open({ root, fsync, graceMs, logger: silentLogger });
    onTestFinished(() => files.close());
    return files;
  };
  return { root, open, files: await open(), names: () => readdirSync(join(root, 'rows')).sort() };
}

const put = async (files: RowFiles, owner: FileOwner, ...texts: string[]) => {
  const { places, stored } = files.append(owner, texts.map(bytes));
  await stored;
  return places;
};

const text = async (value: Promise<Uint8Array | undefined>) => {
  const read = await value;
  return read && Buffer.from(read).toString();
};

it('reads what was appended, by this process and by others', async () => {
  const { root, files } = await opened({ fsync: true });
  const [first, second] = await put(files, 'lane-7', 'one', 'second');
  const [third] = await put(files, 'lane-7', '', 'x');
  const reader = new RowFileReader(root);
  onTestFinished(() => reader.close());
  for (const side of [files, reader]) {
    expect(await text(side.read(first!))).toBe('one');
    expect(await text(side.read(second!))).toBe('second');
    expect(await text(side.read(third!))).toBe('');
  }
  const reference = encodePlace({ ...second!, offset: 2 ** 40 + 3 });
  expect(decodePlace('lane-7', reference)).toEqual({ ...second!, offset: 2 ** 40 + 3 });
  expect(decodePlace('lane-7', bytes('x'.repeat(reference.length)))).toBeUndefined();
});

it('appends many at a time, over more files than are kept open', async () => {
  const { files } = await opened();
  const puts = Array.from({ length: 600 }, (_, i) => put(files, `lane-${i % 300}`, `${i}`, 'between', `again ${i}`));
  const places = await Promise.all(puts);
  const values = await Promise.all(places.flat().map((place) => text(files.read(place))));
  expect(values).toEqual(places.flatMap((_, i) => [`${i}`, 'between', `again ${i}`]));
});

it('appends to more owners at a time than files are written, each to the disk', async () => {
  const { files } = await opened({ fsync: true });
  const places = await Promise.all(Array.from({ length: 150 }, (_, i) => put(files, `lane-${i}`, `${i}`)));
  const values = await Promise.all(places.flat().map((place) => text(files.read(place))));
  expect(values).toEqual(places.map((_, i) => `${i}`));
});

it.skipIf(!existsSync('/usr/bin/prlimit'))('writes over what did not find room, and never over what did', async () => {
  const { root, files, names } = await opened();
  const prlimit = (...args: string[]) =>
    execFileSync('prlimit', ['--pid', `${process.pid}`, ...args], { encoding: 'utf8' });
  const usual = prlimit('--fsize', '--raw', '--noheadings', '--output=SOFT').trim();
  const limit = (bytes: string) => prlimit(`--fsize=${bytes}:`);
  const ignore = (): void => undefined;
  process.on('SIGXFSZ', ignore);
  const kept = await put(files, 'lane-1', 'kept');
  limit('100000');
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await codeOf(put(files, 'lane-1', 'x'.repeat(70_000), 'y'.repeat(70_000)))).toBe('unavailable');
    }
  } finally {
    limit(usual);
    process.off('SIGXFSZ', ignore);
  }
  const places = [...kept, ...(await put(files, 'lane-1', 'a'.repeat(200_000), 'b'))];
  const values = await Promise.all(places.map((place) => text(files.read(place))));
  expect(values.map((value) => `${value?.[0]}${value?.length}`)).toEqual(['k4', 'a200000', 'b1']);
  expect(names()).toHaveLength(1);
  expect(statSync(join(root, 'rows', names()[0]!)).size).toBe(200_005);
});

it('has no value where a file is gone or too short', async () => {
  const { root, files, names } = await opened();
  const [, second] = await put(files, 'block-1', 'one', 'two');
  truncateSync(join(root, 'rows', names()[0]!), 5);
  expect(await files.read(second!)).toBeUndefined();
  expect(await files.read({ ...second!, token: '0'.repeat(16) })).toBeUndefined();
});

it('removes the files of what was swept, those of earlier processes too', async () => {
  const { files, open, names } = await opened();
  await put(files, 'lane-1', 'a');
  await put(files, 'lane-2', 'b');
  const later = await open();
  const [kept] = await put(later, 'lane-1', 'c');
  const [other] = await put(later, 'block-1', 'd');
  expect(names()).toHaveLength(4);
  later.drop('lane-1');
  await expect.poll(names).toHaveLength(2);
  expect(await later.read(kept!)).toBeUndefined();
  expect(await text(later.read(other!))).toBe('d');
});

it('keeps them for readers meanwhile, and removes them after the next start otherwise', async () => {
  const { root, files, names } = await opened({ graceMs: 60_000 });
  const [place] = await put(files, 'lane-1', 'a');
  await put(files, 'lane-2', 'b');
  files.drop('lane-1');
  expect(await text(files.read(place!))).toBe('a');
  await files.close();
  const next = await RowFiles.open({ root, fsync: false, graceMs: 0, logger: silentLogger });
  onTestFinished(() => next.close());
  next.dropLeft('block', () => false);
  next.dropLeft('lane', (lane) => lane === 2);
  await expect.poll(names).toEqual([expect.stringMatching(/^lane-2-/)]);
});

it('never writes where another writer of the same lane does', async () => {
  const { files, open } = await opened();
  const next = await open();
  const [[ours], [theirs]] = await Promise.all([put(files, 'lane-1', 'ours'), put(next, 'lane-1', 'theirs')]);
  expect(await text(next.read(ours!))).toBe('ours');
  expect(await text(next.read(theirs!))).toBe('theirs');
});

it('says that it cannot write, and can again later', async () => {
  const { root, files, open } = await opened();
  rmSync(join(root, 'rows'), { recursive: true });
  expect(await codeOf(put(files, 'lane-1', 'a'))).toBe('unavailable');
  await open();
  const [place] = await put(files, 'lane-1', 'b');
  expect(await text(files.read(place!))).toBe('b');
});

it('leaves nothing behind that appears later: when it is closed, and when what is just being written is dropped', async () => {
  const { files, names } = await opened();
  // Every thread of the pool is busy, so that no file is there before it is closed.
  for (let i = 0; i < 16; i++) pbkdf2('', '', 20_000, 64, 'sha512', () => undefined);
  const kept = files.append('lane-1', [bytes('kept')]).stored;
  const dropped = files.append('block-2', [bytes('dropped')]).stored;
  files.drop('block-2');
  await files.close();
  const [name, ...others] = names().filter((each) => each.startsWith('lane-1'));
  expect([name, others]).toEqual([expect.stringMatching(/^lane-1-/), []]);
  const before = names();
  await Promise.all([kept, dropped]);
  expect(names()).toEqual(before);
});
