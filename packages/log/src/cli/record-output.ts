import { isUtf8 } from 'node:buffer';
import { type CommandOutput, printable } from '@opendata/server/cli';
import type { ReadRecord } from '../client/records.ts';
import { recordToJson } from './record-json.ts';

/** Flags of the commands that print records. */
export const outputFlags = {
  output: {
    type: 'string',
    short: 'o',
    choices: ['value', 'raw', 'nul', 'base64', 'hex', 'table', 'json'],
    default: 'value',
    help: 'How to print a record: its value and a line end (what is not text is escaped on a terminal), its bytes alone, its bytes and a NUL, encoded, as a row, or as JSON',
  },
  json: { type: 'boolean', help: 'Print JSON lines, as --output json' },
} as const;

interface OutputChoice {
  readonly output: string;
  readonly json: boolean;
}

const flushBytes = 64 * 1024;
const lineEnd = Buffer.from('\n');
const nul = Buffer.from([0]);

/** Prints records, many at a time. */
export interface RecordPrinter {
  print(record: ReadRecord): Promise<void> | undefined;
  /** Writes what is still here. */
  end(): Promise<void>;
}

export function createRecordPrinter(output: CommandOutput, choice: OutputChoice): RecordPrinter {
  const format = formatOf(choice.json ? 'json' : choice.output, output.isTerminal);
  let parts: Uint8Array[] = [];
  let size = 0;
  let isScheduled = false;
  if (choice.output === 'table' && !choice.json) add([Buffer.from(`${row('SEQUENCE', 'ARRIVED', 'KEY', 'VALUE')}\n`)]);

  function add(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      parts.push(piece);
      size += piece.length;
    }
  }

  function flush(): Promise<void> {
    const bytes = Buffer.concat(parts, size);
    parts = [];
    size = 0;
    return bytes.length === 0 ? Promise.resolve() : output.write(bytes);
  }

  return {
    print(record) {
      add(format(record));
      if (size >= flushBytes) return flush();
      // A record that comes alone is not held back.
      if (!isScheduled) {
        isScheduled = true;
        setImmediate(() => {
          isScheduled = false;
          void flush();
        });
      }
      return undefined;
    },
    end: flush,
  };
}

function formatOf(name: string, isTerminal: boolean): (record: ReadRecord) => Uint8Array[] {
  switch (name) {
    case 'raw':
      return ({ value }) => [value];
    case 'nul':
      return ({ value }) => [value, nul];
    case 'base64':
      return ({ value }) => [Buffer.from(Buffer.from(value).toString('base64')), lineEnd];
    case 'hex':
      return ({ value }) => [Buffer.from(Buffer.from(value).toString('hex')), lineEnd];
    case 'json':
      return (record) => [Buffer.from(JSON.stringify(recordToJson(record))), lineEnd];
    case 'table':
      return ({ sequence, arrivalTimeMs, key, value }) => [
        Buffer.from(`${row(String(sequence), timeText(arrivalTimeMs), shown(key), shown(value))}\n`),
      ];
    default:
      return ({ value }) => [isTerminal ? Buffer.from(shown(value)) : value, lineEnd];
  }
}

function row(sequence: string, arrived: string, key: string, value: string): string {
  return `${sequence.padEnd(12)}   ${arrived.padEnd(24)}   ${key.padEnd(24)}   ${value}`.trimEnd();
}

/** `2026-11-22T07:00:00.000Z` */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** Bytes as a terminal can show them: text, with what is none of it as escapes. */
export function shown(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return printable(buffer.toString());
  return [...buffer]
    .map((byte) =>
      byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
}
