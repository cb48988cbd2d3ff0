import { WireError } from './errors.ts';
import { type ProtoWriter, putVarint, reserve, varintSize } from './proto-writer.ts';
import { readUtf8 } from './utf8.ts';

const LABEL = 0x0a;
const NAME = 0x0a;
const VALUE = 0x12;

/** The symbol table of a request: byte ranges of its body. */
export interface Symbols {
  bytes: Uint8Array;
  count: number;
  start: Uint32Array;
  end: Uint32Array;
  /** 1: the metadata of this metric name has been taken */
  seen: Uint8Array;
}

export function createSymbols(): Symbols {
  return {
    bytes: new Uint8Array(0),
    count: 0,
    start: new Uint32Array(1024),
    end: new Uint32Array(1024),
    seen: new Uint8Array(1024),
  };
}

export function resetSymbols(symbols: Symbols, bytes: Uint8Array): void {
  symbols.bytes = bytes;
  symbols.count = 0;
}

export function addSymbol(symbols: Symbols, start: number, end: number): void {
  const i = symbols.count++;
  if (i === symbols.start.length) {
    const { start: starts, end: ends, seen } = symbols;
    symbols.start = new Uint32Array(i * 2);
    symbols.start.set(starts);
    symbols.end = new Uint32Array(i * 2);
    symbols.end.set(ends);
    symbols.seen = new Uint8Array(i * 2);
    symbols.seen.set(seen);
  }
  symbols.start[i] = start;
  symbols.end[i] = end;
  symbols.seen[i] = 0;
}

/** Strict UTF-8. @throws WireError malformed */
export function symbolText(symbols: Symbols, ref: number): string {
  return readUtf8(symbols.bytes, symbols.start[ref]!, symbols.end[ref]!);
}

/**
 * Writes labels as the repeated `labels` field of remote write 1.0. The references must be of the table.
 * @throws WireError too_large where the writer would have more than `maxBytes`, which few symbols named often can reach
 */
export function writeLabels(
  writer: ProtoWriter,
  symbols: Symbols,
  refs: Uint32Array,
  count: number,
  maxBytes: number,
): void {
  for (let i = 0; i < count; i += 2) {
    const name = refs[i]!;
    const value = refs[i + 1]!;
    const nameSize = symbols.end[name]! - symbols.start[name]!;
    const valueSize = symbols.end[value]! - symbols.start[value]!;
    const size = 2 + varintSize(nameSize) + nameSize + varintSize(valueSize) + valueSize;
    if (writer.at + size > maxBytes) {
      throw new WireError('too_large', `remote write: labels of more than ${maxBytes} bytes`);
    }
    reserve(writer, size + 6);
    const { bytes } = writer;
    let { at } = writer;
    bytes[at++] = LABEL;
    at = putVarint(bytes, at, size);
    bytes[at++] = NAME;
    at = putSymbol(bytes, putVarint(bytes, at, nameSize), symbols, name);
    bytes[at++] = VALUE;
    at = putSymbol(bytes, putVarint(bytes, at, valueSize), symbols, value);
    writer.at = at;
  }
}

function putSymbol(out: Uint8Array, at: number, symbols: Symbols, ref: number): number {
  const { bytes } = symbols;
  const start = symbols.start[ref]!;
  const end = symbols.end[ref]!;
  if (end - start > 64) out.set(bytes.subarray(start, end), at);
  else for (let i = start; i < end; i++) out[at + i - start] = bytes[i]!;
  return at + end - start;
}
