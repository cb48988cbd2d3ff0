import { withDeadline } from './deadline.ts';
import type { Engine, EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import { stateKey } from './keys.ts';

/** Version of everything below this package's keys. 2: rows of a folder may say where in a file their value is. */
const formatVersion = 2;
const formatKey = stateKey('format');
const everyRow = { start: Uint8Array.of(0), end: new Uint8Array(32).fill(0xff) };

/**
 * Makes sure that the database is empty or ours, and not written by a newer version; and that older programs, which do
 * not know what this one writes, refuse it from now on.
 * @throws StorageError `config`
 */
export async function checkFormat(engine: Engine, deadlineMs: number): Promise<void> {
  const version = await readFormat(engine);
  if (version === formatVersion) return;
  if (version === undefined) {
    for await (const _ of engine.scan(everyRow)) {
      throw new StorageError('config', 'there is a database of another program under this path');
    }
  }
  const value = new TextEncoder().encode(JSON.stringify({ version: formatVersion }));
  await withDeadline(engine.write([{ key: formatKey, value }]), deadlineMs, 'writing the format row');
}

/** Whether there is a database. @throws StorageError `config` if it is of a newer version */
export async function hasFormat(engine: EngineReader): Promise<boolean> {
  return (await readFormat(engine)) !== undefined;
}

async function readFormat(engine: EngineReader): Promise<number | undefined> {
  const row = await engine.get(formatKey);
  if (row === undefined) return undefined;
  const { version } = JSON.parse(new TextDecoder().decode(row)) as { version: number };
  if (version > formatVersion) {
    throw new StorageError(
      'config',
      `the database has format ${version}, this program reads up to ${formatVersion}: use a newer one`,
    );
  }
  return version;
}
