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

/** Who asks for which database. */
export interface FormatExpectation {
  /** What to call the place in messages. */
  readonly description: string;
  readonly program?: string | undefined;
}

/**
 * Makes sure that the database is empty or ours, and not written by a newer version; and that older programs, which do
 * not know what this one writes, refuse it from now on.
 * @returns the text of the format row
 * @throws StorageError `config`
 */
export async function checkFormat(engine: Engine, deadlineMs: number, expected: FormatExpectation): Promise<string> {
  const found = await findFormat(engine, expected);
  if (found?.row.version === formatVersion) return found.text;
  const { program } = expected;
  const written = found === undefined ? { version: formatVersion, program } : { ...found.row, version: formatVersion };
  const text = JSON.stringify(written);
  const value = new TextEncoder().encode(text);
  await withDeadline(engine.write([{ key: formatKey, value }]), deadlineMs, 'writing the format row');
  return text;
}

/**
 * Whether there is a database.
 * @throws StorageError `config` if it is of a newer version, of another program, or has no format row
 */
export async function hasFormat(engine: EngineReader, expected: FormatExpectation): Promise<boolean> {
  return (await findFormat(engine, expected)) !== undefined;
}

/**
 * The same of the copy of the row beside the database, see format-file.ts.
 * @returns false where it says nothing
 * @throws StorageError `config`
 */
export function checkFormatText(text: string, expected: FormatExpectation): boolean {
  const row = parseFormat(text);
  if (row === undefined) return false;
  check(row, expected);
  return true;
}

async function findFormat(
  engine: EngineReader,
  expected: FormatExpectation,
): Promise<{ readonly row: FormatRow; readonly text: string } | undefined> {
  const value = await engine.get(formatKey);
  if (value === undefined) {
    for await (const _ of engine.scan(everyRow)) {
      const { description, program = 'this program' } = expected;
      throw new StorageError(
        'config',
        `${description}: there is a database of another program, expected one of ${program} or nothing: give ${program} a path of its own (storage.path)`,
      );
    }
    return undefined;
  }
  const text = new TextDecoder().decode(value);
  const row = parseFormat(text);
  if (row === undefined) throw new StorageError('corrupt', `${expected.description}: the format row says '${text}'`);
  check(row, expected);
  return { row, text };
}

function parseFormat(text: string): FormatRow | undefined {
  try {
    const row = JSON.parse(text) as FormatRow | null;
    return typeof row?.version === 'number' ? row : undefined;
  } catch {
    return undefined;
  }
}

function check(row: FormatRow, { description, program }: FormatExpectation): void {
  if (row.program !== undefined && program !== undefined && row.program !== program) {
    throw new StorageError(
      'config',
      `${description}: there is a database of ${row.program}, expected one of ${program} or nothing: give ${program} a path of its own (storage.path)`,
      { details: { program: row.program } },
    );
  }
  if (row.version > formatVersion) {
    throw new StorageError(
      'config',
      `${description}: the database has format ${row.version}, expected up to ${formatVersion}: use a newer version of this program`,
    );
  }
}
