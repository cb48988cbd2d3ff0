import type { KernelPlace } from '@opendata/wire';
import { growInt32, growUint32 } from '../head/growable.ts';
import {
  align8,
  ENTRY_HEADER_BYTES,
  ENTRY_VERSION,
  JournalEntryError,
  SECTION_DEFINITIONS,
  SECTION_EXEMPLARS,
  SECTION_FLOAT_SAMPLES,
  SECTION_HEADER_BYTES,
  SECTION_HISTOGRAMS,
  SECTION_STARTS,
  VALUES_RAW,
} from './format.ts';
import { LabelRoom } from './label-room.ts';
import { type EncodedExemplar, readExemplars, readHistograms } from './sections.ts';
import { EntryStarts } from './starts.ts';

/** What an entry holds, given to the sink section by section. The arrays are valid during the call only. */
export interface JournalEntrySink {
  window(startMs: number, durationMs: number): void;
  /** Slot `slot` of the lane is the series with the canonical label run `view[start, end)`. */
  definition(slot: number, view: DataView, start: number, end: number): void;
  /** Slots of the lane, offsets from the window's start in ms, values, and starts where there are any. */
  floatSamples(
    slots: Uint32Array,
    offsets: Int32Array,
    values: Float64Array,
    count: number,
    starts?: Float64Array,
  ): void;
  /** A native histogram, see head/histogram-bytes.ts. */
  histogram(slot: number, offset: number, bytes: Uint8Array, startMs: number): void;
  exemplar(exemplar: EncodedExemplar): void;
}

/** Reads entries into typed arrays that it reuses. */
export class JournalEntryDecoder {
  #slots = new Uint32Array(4096);
  #offsets = new Int32Array(4096);
  readonly #labels: LabelRoom;
  readonly #starts = new EntryStarts();
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #durationMs = 0;

  /** @param place where label runs are put together; its content is overwritten */
  constructor(place?: KernelPlace) {
    this.#labels = new LabelRoom(place);
  }

  /** @throws JournalEntryError where the entry is damaged or of a newer version; the sink may have had a part of it */
  decode(entry: Uint8Array, sink: JournalEntrySink): void {
    if (entry.length < ENTRY_HEADER_BYTES || entry.length % 8 !== 0) throw damaged('its length');
    const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
    const version = view.getUint32(0, true);
    if (version !== ENTRY_VERSION) throw new JournalEntryError(`journal entry has unknown version ${version}`);
    this.#bytes = entry;
    this.#durationMs = view.getUint32(4, true);
    const startMs = view.getFloat64(8, true);
    if (!Number.isSafeInteger(startMs) || this.#durationMs === 0 || this.#durationMs > 0x7fffffff) {
      throw damaged('its window');
    }
    this.#starts.begin(entry, 0, 0);
    sink.window(startMs, this.#durationMs);
    for (let at = ENTRY_HEADER_BYTES; at < entry.length; ) {
      const kind = view.getUint32(at, true);
      const length = view.getUint32(at + 4, true);
      const payload = at + SECTION_HEADER_BYTES;
      if (payload + length > entry.length) throw damaged('a section');
      this.#at = payload;
      this.#end = payload + length;
      if (kind === SECTION_DEFINITIONS) this.#definitions(view, sink);
      else if (kind === SECTION_FLOAT_SAMPLES) this.#floatSamples(view, sink);
      else if (kind === SECTION_STARTS) this.#starts.begin(entry, this.#at, this.#end);
      else if (kind === SECTION_HISTOGRAMS) this.#histograms(entry, sink);
      else if (kind === SECTION_EXEMPLARS) readExemplars(entry, this.#at, this.#end, sink);
      else throw new JournalEntryError(`journal entry has a section of unknown kind ${kind}`);
      at = align8(payload + length);
    }
  }

  #definitions(view: DataView, sink: JournalEntrySink): void {
    if (this.#end - this.#at < 8) throw damaged('its definitions');
    const count = view.getUint32(this.#at, true);
    const firstSlot = view.getUint32(this.#at + 4, true);
    this.#at += 8;
    const labels = this.#labels;
    labels.length = 0;
    for (let i = 0; i < count; i++) {
      const prefix = this.#varint();
      const suffix = this.#varint();
      const middle = this.#varint();
      if (prefix + suffix > labels.length || this.#at + middle > this.#end) throw damaged('its definitions');
      labels.replace(prefix, suffix, this.#bytes, this.#at, middle);
      this.#at += middle;
      sink.definition(firstSlot + i, labels.view, 0, labels.length);
    }
  }

  #floatSamples(view: DataView, sink: JournalEntrySink): void {
    if (this.#end - this.#at < 16) throw damaged('its samples');
    const count = view.getUint32(this.#at, true);
    const slotBytes = view.getUint32(this.#at + 4, true);
    const timeBytes = view.getUint32(this.#at + 8, true);
    const encoding = view.getUint32(this.#at + 12, true);
    if (encoding !== VALUES_RAW) throw new JournalEntryError(`journal entry has unknown value encoding ${encoding}`);
    const slotsAt = this.#at + 16;
    const timesAt = slotsAt + slotBytes;
    const timesEnd = timesAt + timeBytes;
    const valuesAt = align8(timesEnd);
    const sectionEnd = this.#end;
    if (valuesAt + count * 8 !== sectionEnd) throw damaged('its samples');
    this.#slots = growUint32(this.#slots, count);
    this.#offsets = growInt32(this.#offsets, count);
    this.#at = slotsAt;
    this.#end = timesAt;
    this.#slotRuns(count);
    this.#end = timesEnd;
    this.#timeRuns(count);
    const values = this.#values(valuesAt, count);
    let starts: Float64Array | undefined;
    if (this.#starts.isKnown) {
      starts = new Float64Array(count);
      for (let i = 0; i < count; i++) starts[i] = this.#starts.next();
    }
    sink.floatSamples(this.#slots, this.#offsets, values, count, starts);
  }

  #histograms(entry: Uint8Array, sink: JournalEntrySink): void {
    const starts = this.#starts;
    readHistograms(entry, this.#at, this.#end, this.#durationMs, {
      histogram: (slot, offset, bytes) => sink.histogram(slot, offset, bytes, starts.isKnown ? starts.next() : 0),
    });
  }

  #slotRuns(count: number): void {
    let filled = 0;
    let slot = 0;
    while (filled < count) {
      slot += unzigzag(this.#varint());
      const end = filled + this.#varint();
      if (end > count || end === filled || slot < 0) throw damaged('its slots');
      while (filled < end) this.#slots[filled++] = slot++;
    }
    if (this.#at !== this.#end) throw damaged('its slots');
  }

  #timeRuns(count: number): void {
    let filled = 0;
    let offset = 0;
    while (filled < count) {
      offset += unzigzag(this.#varint());
      const end = filled + this.#varint();
      if (end > count || end === filled || offset < 0 || offset >= this.#durationMs) throw damaged('its times');
      this.#offsets.fill(offset, filled, end);
      filled = end;
    }
    if (this.#at !== this.#end) throw damaged('its times');
  }

  #values(at: number, count: number): Float64Array {
    const byteOffset = this.#bytes.byteOffset + at;
    if (byteOffset % 8 === 0) return new Float64Array(this.#bytes.buffer, byteOffset, count);
    return new Float64Array(this.#bytes.slice(at, at + count * 8).buffer);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) throw damaged('a number');
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) throw damaged('a number');
        return value;
      }
    }
    throw damaged('a number');
  }
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function damaged(what: string): JournalEntryError {
  return new JournalEntryError(`journal entry is damaged: ${what}`);
}
