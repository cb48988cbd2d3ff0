import { readUtf8 } from './utf8.ts';

const SLOTS = 4096;
const MAX_BYTES = 48;

/** Strings of recently read byte ranges, so that names and values that repeat are made once and are one object. */
export interface StringInterner {
  readonly strings: (string | undefined)[];
  /** MAX_BYTES for each slot */
  readonly bytes: Uint8Array;
  readonly lengths: Uint8Array;
}

export function createStringInterner(): StringInterner {
  return {
    strings: new Array<string | undefined>(SLOTS).fill(undefined),
    bytes: new Uint8Array(SLOTS * MAX_BYTES),
    lengths: new Uint8Array(SLOTS),
  };
}

/** The string of a byte range: strict UTF-8. @throws WireError malformed */
export function internUtf8(interner: StringInterner, bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > MAX_BYTES) return readUtf8(bytes, start, end);
  const slot = hash(bytes, start, end) & (SLOTS - 1);
  const known = interner.strings[slot];
  if (known !== undefined && interner.lengths[slot] === length) {
    if (isEqual(interner.bytes, slot * MAX_BYTES, bytes, start, length)) return known;
  }
  const text = readUtf8(bytes, start, end);
  interner.strings[slot] = text;
  interner.lengths[slot] = length;
  const at = slot * MAX_BYTES;
  for (let i = 0; i < length; i++) interner.bytes[at + i] = bytes[start + i]!;
  return text;
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = end - start;
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return value ^ (value >>> 15);
}

function isEqual(left: Uint8Array, leftAt: number, right: Uint8Array, rightAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (left[leftAt + i] !== right[rightAt + i]) return false;
  return true;
}
