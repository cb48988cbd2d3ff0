import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { CliError } from '@opendata/server/cli';
import type { ClientHeader, ClientRecord } from '../client/records.ts';
import { recordFromJson } from './record-json.ts';

/** Where records come from. */
export interface InputOptions {
  /** Of records that do not bring their own. */
  readonly key: Uint8Array | undefined;
  /** Given as arguments; without any, and without files, standard input is read. */
  readonly values: readonly string[];
  readonly files: readonly string[];
  /** A file is one record. */
  readonly isWhole: boolean;
  readonly format: 'lines' | 'nul' | 'json';
  /** Between key and value of a line. */
  readonly separator: Uint8Array | undefined;
  readonly headers: readonly ClientHeader[];
  readonly timestampMs: number | 'now' | undefined;
}

/** Larger ones are refused here, before they fill the memory. */
const maxRecordBytes = 64 * 1024 * 1024;
const lineEnd = 0x0a;

/** The records of the input, read as they are taken; ends when `signal` fires. @throws CliError naming the line */
export async function* recordsOf(input: InputOptions, signal: AbortSignal): AsyncGenerator<ClientRecord> {
  const { values, files, isWhole } = input;
  if (values.length > 0) {
    for (const value of values) yield recordOf(input, Buffer.from(value), 'arguments', 0);
    return;
  }
  for (const file of files.length > 0 ? files : ['-']) {
    const stream = file === '-' ? process.stdin : createReadStream(file);
    const name = file === '-' ? 'standard input' : file;
    let line = 0;
    try {
      addAbortSignal(signal, stream);
      const pieces = isWhole ? wholeOf(stream, name) : piecesOf(stream, input.format === 'nul' ? 0 : lineEnd, name);
      for await (const piece of pieces) yield recordOf(input, piece, name, ++line);
    } catch (error) {
      if (signal.aborted) return;
      throw readable(error, name);
    }
  }
}

function readable(error: unknown, name: string): unknown {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' && /^E[A-Z]+$/.test(code)
    ? new CliError(`${name}: ${(error as Error).message}`)
    : error;
}

function recordOf(input: InputOptions, piece: Buffer, name: string, line: number): ClientRecord {
  const { format, separator, headers, timestampMs } = input;
  const own =
    format === 'json' && line > 0 && !input.isWhole
      ? jsonRecord(piece, input.key, name, line)
      : separator === undefined
        ? { key: input.key!, value: piece }
        : separated(piece, separator, name, line);
  const time = timestampMs === 'now' ? Date.now() : timestampMs;
  return {
    ...own,
    ...(time !== undefined && { timestampMs: time }),
    ...(headers.length > 0 && { headers: [...((own as ClientRecord).headers ?? []), ...headers] }),
  };
}

function jsonRecord(piece: Buffer, key: Uint8Array | undefined, name: string, line: number): ClientRecord {
  try {
    return recordFromJson(piece.toString(), key);
  } catch (error) {
    throw new CliError(`${name}:${line}: ${(error as Error).message}`);
  }
}

function separated(piece: Buffer, separator: Uint8Array, name: string, line: number): ClientRecord {
  const at = piece.indexOf(separator);
  if (at < 0) throw new CliError(`${name}:${line}: the line has no separator`);
  return { key: piece.subarray(0, at), value: piece.subarray(at + separator.length) };
}

async function* wholeOf(stream: Readable, name: string): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxRecordBytes) throw tooLarge(name);
  }
  yield Buffer.concat(chunks, size);
}

/** Cuts a stream at each `end`; what is behind the last one counts if it is not empty. Bytes stay as they are. */
export async function* piecesOf(stream: AsyncIterable<Buffer>, end: number, name: string): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, from)) {
      const last = chunk.subarray(from, at);
      yield open.length === 0 ? last : Buffer.concat([...open, last]);
      open = [];
      size = 0;
      from = at + 1;
    }
    if (from === chunk.length) continue;
    open.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > maxRecordBytes) throw tooLarge(name);
  }
  if (open.length > 0) yield Buffer.concat(open);
}

function tooLarge(name: string): CliError {
  return new CliError(`${name}: a record has more than ${maxRecordBytes} bytes`);
}
