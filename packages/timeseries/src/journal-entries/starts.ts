import type { Section } from './encode.ts';
import { JournalEntryError, SECTION_STARTS } from './format.ts';

const MAX_VARINT_BYTES = 8;

/** The section of samples' starts, whole numbers of Unix ms below 2^51; `undefined` where all are 0. */
export function startSection(starts: Float64Array, count: number): Section | undefined {
  let isKnown = false;
  for (let i = 0; i < count && !isKnown; i++) isKnown = starts[i] !== 0;
  if (!isKnown) return undefined;
  let bytes = new Uint8Array(64);
  let at = 0;
  let before = 0;
  for (let i = 0; i < count; ) {
    const start = starts[i]!;
    let end = i + 1;
    while (end < count && starts[end] === start) end++;
    if (at + 2 * MAX_VARINT_BYTES > bytes.length) {
      const grown = new Uint8Array(bytes.length * 2);
      grown.set(bytes);
      bytes = grown;
    }
    at = writeNumber(bytes, at, end - i);
    at = writeNumber(bytes, at, zigzag(start - before));
    before = start;
    i = end;
  }
  return { kind: SECTION_STARTS, payload: bytes.subarray(0, at) };
}

/** Hands out the starts of an entry, sample after sample. */
export class EntryStarts {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #left = 0;
  #start = 0;

  /** The entry has the section `bytes[at, end)`; none where both are the same. */
  begin(bytes: Uint8Array, at: number, end: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#left = 0;
    this.#start = 0;
  }

  /** Whether there are starts left. */
  get isKnown(): boolean {
    return this.#left > 0 || this.#at < this.#end;
  }

  /** @throws JournalEntryError where the section ends before the samples do */
  next(): number {
    if (this.#left === 0) {
      this.#left = this.#number();
      this.#start += unzigzag(this.#number());
      if (this.#left === 0) throw damaged();
    }
    this.#left--;
    return this.#start;
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      if (this.#at >= this.#end) throw damaged();
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }
}

function damaged(): JournalEntryError {
  return new JournalEntryError('journal entry is damaged: its starts');
}

function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  bytes[at++] = value;
  return at;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
