import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { StorageConfig } from './config.ts';
import { stateKey } from './keys.ts';
import { silentLogger } from './logger.ts';
import { objectStoreTarget } from './object-store.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { openReadOnlyStorage, type ReadOnlyStorage } from './read-only-storage.ts';
import { openSlateEngine } from './slatedb-engine.ts';
import { openStorage, type Storage } from './storage.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

let s3: S3Server;
let folder: string;
let places = 0;
beforeAll(async () => {
  s3 = await startS3Server();
  folder = await mkdtemp(join(tmpdir(), 'opendata-look-'));
});
afterAll(async () => {
  await s3.destroy();
  await rm(folder, { recursive: true, maxRetries: 5 });
});

/** A path of its own for a test, and what is seen of it past the engine. */
interface Place {
  readonly config: StorageConfig;
  /** Every file or object under the path. */
  files(): Promise<string[]>;
  /** The text of the format file. */
  marker(): Promise<string>;
  /** Writes another one, or removes it. */
  setMarker(text: string | undefined): Promise<void>;
}

const kinds: [name: string, place: () => Place][] = [
  [
    'a folder',
    () => {
      const path = `db-${++places}`;
      const root = join(folder, path);
      const file = join(root, 'format.json');
      return {
        config: { type: 'SlateDb', path, object_store: { type: 'Local', path: folder } },
        files: () => filesUnder(root),
        marker: () => readFile(file, 'utf8'),
        setMarker: (text) => (text === undefined ? rm(file) : writeFile(file, text)),
      };
    },
  ],
  [
    'a bucket',
    () => {
      const path = `some/db-${++places}`;
      const root = join(s3.folder, s3.bucket, path);
      const file = join(root, 'format.json._S3rver_object');
      return {
        config: {
          type: 'SlateDb',
          path,
          object_store: { type: 'Aws', bucket: s3.bucket, endpoint: s3.endpoint, allow_http: true },
        },
        files: () => filesUnder(root),
        marker: () => readFile(file, 'utf8'),
        setMarker: async (text) => {
          if (text !== undefined) return writeFile(file, text);
          for (const name of await readdir(root)) if (name.startsWith('format.json')) await rm(join(root, name));
        },
      };
    },
  ],
];

async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function open({ config }: Place, program?: string): Promise<Storage> {
  const options = { logger: silentLogger, env: s3.env, ...(program === undefined ? {} : { program }) };
  const storage = await openStorage(config, options);
  onTestFinished(() => storage.close().catch(() => undefined));
  await recoverAll(storage);
  return storage;
}

async function read({ config }: Place, program: string): Promise<ReadOnlyStorage> {
  const reader = await openReadOnlyStorage(config, { logger: silentLogger, env: s3.env, program });
  onTestFinished(() => reader.close());
  return reader;
}

/** The database below everything of ours. */
async function openEngine({ config }: Place) {
  const engine = await openSlateEngine(objectStoreTarget(config, s3.env), {
    settings: {},
    deadlineMs: 5_000,
    openDeadlineMs: 10_000,
    preflight: false,
    memoryLimitBytes: 2 ** 30,
    commitsPerTable: 1_000,
    blockCache: false,
  });
  onTestFinished(() => engine.close());
  return engine;
}

const commit = async (storage: Storage): Promise<void> =>
  storage.journal.committed(storage.journal.append(1, bytes('acknowledged')));

function refusal({ config }: Place, there: string): object {
  const { description } = objectStoreTarget(config, s3.env);
  return { code: 'config', message: expect.stringContaining(`${description}: ${there}`) };
}
const ofA = 'there is a database of a, expected one of b or nothing: give b a path of its own (storage.path)';

describe.each(kinds)('on %s', (_kind, createPlace) => {
  it('the database of another program is refused without a write, and its writer goes on', async () => {
    const place = createPlace();
    const running = await open(place, 'a');
    await commit(running);
    expect(JSON.parse(await place.marker())).toEqual({ version: 2, program: 'a' });
    const before = await place.files();
    await expect(open(place, 'b')).rejects.toMatchObject(refusal(place, ofA));
    await expect(read(place, 'b')).rejects.toMatchObject(refusal(place, ofA));
    expect(await place.files()).toEqual(before);
    await commit(running);
    expect(running.health().state).toBe('ok');
  });

  it.each([
    ['just made, with everything in the log', false],
    ['with everything in sorted files', true],
  ])('without a format file the database is looked at: %s', async (_what, isSorted) => {
    const place = createPlace();
    let running = await open(place, 'a');
    await commit(running);
    if (isSorted) {
      await running.close();
      running = await open(place, 'a');
    }
    for (const damage of [undefined, '', '{"version":', 'null']) {
      await place.setMarker(damage);
      await expect(open(place, 'b')).rejects.toMatchObject(refusal(place, ofA));
      await expect(read(place, 'b')).rejects.toMatchObject(refusal(place, ofA));
      await commit(running);
    }
    expect(running.health().state).toBe('ok');
    await running.close();
    const next = await open(place, 'a');
    await commit(next);
    expect(JSON.parse(await place.marker())).toEqual({ version: 2, program: 'a' });
  });

  it('the same program takes its database over', async () => {
    const place = createPlace();
    const first = await open(place, 'a');
    await commit(first);
    const second = await open(place, 'a');
    await commit(second);
    expect(await codeOf(commit(first))).toBe('fenced');
    await (await read(place, 'a')).checkReadable();
  });

  it('a newer format is refused before opening, by its file or by its row', async () => {
    const place = createPlace();
    const engine = await openEngine(place);
    const newer = JSON.stringify({ version: 3, program: 'a' });
    await engine.write([{ key: stateKey('format'), value: bytes(newer) }]);
    const there = 'the database has format 3, expected up to 2: use a newer version of this program';
    for (const marker of [newer, undefined]) {
      await place.setMarker(newer);
      if (marker === undefined) await place.setMarker(undefined);
      await expect(open(place, 'a')).rejects.toMatchObject(refusal(place, there));
      await expect(read(place, 'a')).rejects.toMatchObject(refusal(place, there));
      await engine.write([{ key: stateKey('other'), value: bytes('still the writer') }]);
    }
    expect(engine.failure()).toBeUndefined();
  });

  it('something else that uses the engine is left alone', async () => {
    const place = createPlace();
    const engine = await openEngine(place);
    await engine.write([{ key: bytes('key'), value: bytes('value') }]);
    const there = 'there is a database of another program, expected one of a or nothing: give a';
    await expect(open(place, 'a')).rejects.toMatchObject(refusal(place, there));
    await expect(read(place, 'a')).rejects.toMatchObject(refusal(place, there));
    await engine.write([{ key: bytes('key'), value: bytes('still the writer') }]);
  });

  it('a database of before, whose row names no program, opens; its row is brought up to date', async () => {
    const place = createPlace();
    const engine = await openEngine(place);
    await engine.write([{ key: stateKey('format'), value: bytes('{"version":1}') }]);
    await engine.close();
    await commit(await open(place, 'a'));
    expect(JSON.parse(await place.marker())).toEqual({ version: 2 });
    await commit(await open(place, 'a'));
  });

  it('nothing is there: a reader says so, a writer begins', async () => {
    const place = createPlace();
    const empty = refusal(place, 'no database can be read');
    await expect(read(place, 'a')).rejects.toMatchObject({ ...empty, code: 'unavailable' });
    await commit(await open(place, 'a'));
    expect(JSON.parse(await place.marker())).toEqual({ version: 2, program: 'a' });
  });
});
