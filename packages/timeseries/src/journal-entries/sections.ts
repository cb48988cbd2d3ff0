import type { Section } from './encode.ts';
import { JournalEntryError, SECTION_EXEMPLARS, SECTION_HISTOGRAMS } from './format.ts';

/** A native histogram of a slot: offset from the window's start in ms, bytes as in head/histogram-bytes.ts. */
export interface EncodedHistogram {
  readonly slot: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An exemplar of a slot; its labels as a label run (see head/label-bytes.ts). */
export interface EncodedExemplar {
  readonly slot: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly labels: Uint8Array;
}

const MAX_VARINT_BYTES = 5;

export function histogramSection(histograms: readonly EncodedHistogram[]): Section {
  let size = 4;
  for (const { bytes } of histograms) size += 3 * MAX_VARINT_BYTES + bytes.length;
  const out = new Writer(size, histograms.length);
  for (const { slot, offset, bytes } of histograms) {
    out.varint(slot);
    out.varint(offset);
    out.bytes(bytes);
  }
  return { kind: SECTION_HISTOGRAMS, payload: out.written() };
}

export function exemplarSection(exemplars: readonly EncodedExemplar[]): Section {
  let size = 4;
  for (const { labels } of exemplars) size += 2 * MAX_VARINT_BYTES + 16 + labels.length;
  const out = new Writer(size, exemplars.length);
  for (const { slot, timestampMs, value, labels } of exemplars) {
    out.varint(slot);
    out.double(timestampMs);
    out.double(value);
    out.bytes(labels);
  }
  return { kind: SECTION_EXEMPLARS, payload: out.written() };
}

/** @throws JournalEntryError */
export function readHistograms(
  entry: Uint8Array,
  start: number,
  end: number,
  durationMs: number,
  sink: { histogram(slot: number, offset: number, bytes: Uint8Array): void },
): void {
  const input = new Reader(entry, start, end, 'its histograms');
  for (let left = input.listLength(); left > 0; left--) {
    const slot = input.varint();
    const offset = input.varint();
    if (offset >= durationMs) throw input.damaged();
    sink.histogram(slot, offset, input.bytes());
  }
  input.checkEnd();
}

/** @throws JournalEntryError */
export function readExemplars(
  entry: Uint8Array,
  start: number,
  end: number,
  sink: { exemplar(exemplar: EncodedExemplar): void },
): void {
  const input = new Reader(entry, start, end, 'its exemplars');
  for (let left = input.listLength(); left > 0; left--) {
    const slot = input.varint();
    const timestampMs = input.double();
    const value = input.double();
    sink.exemplar({ slot, timestampMs, value, labels: input.bytes() });
  }
  input.checkEnd();
}

class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 4;

  constructor(sizeBytes: number, count: number) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#view.setUint32(0, count, true);
  }

  varint(value: number): void {
    while (value >= 0x80) {
      this.#bytes[this.#at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.#bytes[this.#at++] = value;
  }

  double(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  readonly #what: string;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
    this.#what = what;
  }

  listLength(): number {
    if (this.#end - this.#at < 4) throw this.damaged();
    const count = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return count;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      if (this.#at >= this.#end) throw this.damaged();
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw this.damaged();
  }

  double(): number {
    if (this.#at + 8 > this.#end) throw this.damaged();
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(): Uint8Array {
    const length = this.varint();
    if (this.#at + length > this.#end) throw this.damaged();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  checkEnd(): void {
    if (this.#at !== this.#end) throw this.damaged();
  }

  damaged(): JournalEntryError {
    return new JournalEntryError(`journal entry is damaged: ${this.#what}`);
  }
}
