import { withDeadline } from './deadline.ts';
import type { Engine, EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import { stateKey } from './keys.ts';

/** Version of everything below this package's keys. 2: rows of a folder may say where in a file their value is. */
const formatVersion = 2;
const formatKey = stateKey('format');
const everyRow = { start: Uint8Array.of(0), end: new Uint8Array(32).fill(0xff) };

interface FormatRow {
  readonly version: number;
  /** Whose database it is: of which program that stands on this package. Databases of before do not say it. */
  readonly program?: string;
}

/**
 * Makes sure that the database is empty or ours, and not written by a newer version; and that older programs, which do
 * not know what this one writes, refuse it from now on.
 * @throws StorageError `config`
 */
export async function checkFormat(engine: Engine, deadlineMs: number, program?: string): Promise<void> {
  const row = await readFormat(engine, program);
  if (row?.version === formatVersion) return;
  if (row === undefined) {
    for await (const _ of engine.scan(everyRow)) {
      throw new StorageError('config', 'there is a database of another program under this path');
    }
  }
  const written = row === undefined ? { version: formatVersion, program } : { ...row, version: formatVersion };
  const value = new TextEncoder().encode(JSON.stringify(written));
  await withDeadline(engine.write([{ key: formatKey, value }]), deadlineMs, 'writing the format row');
}

/** Whether there is a database. @throws StorageError `config` if it is of a newer version, or of another program */
export async function hasFormat(engine: EngineReader, program?: string): Promise<boolean> {
  return (await readFormat(engine, program)) !== undefined;
}

async function readFormat(engine: EngineReader, program: string | undefined): Promise<FormatRow | undefined> {
  const row = await engine.get(formatKey);
  if (row === undefined) return undefined;
  const format = JSON.parse(new TextDecoder().decode(row)) as FormatRow;
  if (format.program !== undefined && program !== undefined && format.program !== program) {
    throw new StorageError(
      'config',
      `the database under this path is one of ${format.program}, not of ${program}: give ${program} a path of its own (storage.path)`,
      { details: { program: format.program } },
    );
  }
  if (format.version > formatVersion) {
    throw new StorageError(
      'config',
      `the database has format ${format.version}, this program reads up to ${formatVersion}: use a newer one`,
    );
  }
  return format;
}
