import type { SharedBytes } from '../head/series-keys.ts';
import {
  align8,
  ENTRY_HEADER_BYTES,
  ENTRY_VERSION,
  SECTION_DEFINITIONS,
  SECTION_FLOAT_SAMPLES,
  SECTION_HEADER_BYTES,
  VALUES_RAW,
} from './format.ts';

/** Most bytes of a slot or time run: two varints of 32 bits. */
const MAX_RUN_BYTES = 10;

/** Series that a lane has not named before; the first gets slot `firstSlot`. */
export interface Definitions {
  readonly firstSlot: number;
  readonly count: number;
  /** Canonical label run of the i-th of them. */
  labels(i: number): Uint8Array;
  /**
   * Bytes that the i-th has in common with the one before, at the beginning and then at the end, where they are known.
   * @returns false where they are not
   */
  shared?(i: number, out: SharedBytes): boolean;
}

/** Longer runs of bytes are copied by the engine. */
const MAX_COPIED_BYTES = 32;

/** A section that was encoded before, see sections.ts. */
export interface Section {
  readonly kind: number;
  readonly payload: Uint8Array;
}

const NO_SECTIONS: readonly Section[] = [];

/** Builds entries in one buffer that it reuses. */
export class JournalEntryEncoder {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /**
   * The entry of `count` float samples: slots of the lane, offsets from the window's start in ms, values.
   * The bytes are valid until the next call. `starts` comes before the samples, `sections` after them.
   */
  encode(
    window: { readonly startMs: number; readonly durationMs: number },
    definitions: Definitions,
    slots: Uint32Array,
    offsets: Int32Array,
    values: Float64Array,
    count: number,
    sections: readonly Section[] = NO_SECTIONS,
    starts?: Section,
  ): Uint8Array {
    this.#reserve(0, ENTRY_HEADER_BYTES);
    this.#view.setUint32(0, ENTRY_VERSION, true);
    this.#view.setUint32(4, window.durationMs, true);
    this.#view.setFloat64(8, window.startMs, true);
    this.#at = ENTRY_HEADER_BYTES;
    if (definitions.count > 0) this.#definitions(definitions);
    if (starts !== undefined) this.#section(starts);
    if (count > 0) this.#floatSamples(slots, offsets, values, count);
    for (const section of sections) this.#section(section);
    return this.#bytes.subarray(0, this.#at);
  }

  #section({ kind, payload }: Section): void {
    const section = this.#beginSection(kind, payload.length);
    this.#bytes.set(payload, this.#at);
    this.#at += payload.length;
    this.#endSection(section);
  }

  #definitions(definitions: Definitions): void {
    const section = this.#beginSection(SECTION_DEFINITIONS, 8);
    this.#view.setUint32(this.#at, definitions.count, true);
    this.#view.setUint32(this.#at + 4, definitions.firstSlot, true);
    this.#at += 8;
    const shared = { prefix: 0, suffix: 0 };
    let previous = new Uint8Array(0);
    for (let i = 0; i < definitions.count; i++) {
      const labels = definitions.labels(i);
      if (i === 0 || definitions.shared?.(i, shared) !== true) findShared(labels, previous, shared);
      const { prefix, suffix } = shared;
      const middle = labels.length - prefix - suffix;
      this.#reserve(this.#at, 15 + middle);
      let at = writeVarint(this.#bytes, this.#at, prefix);
      at = writeVarint(this.#bytes, at, suffix);
      at = writeVarint(this.#bytes, at, middle);
      if (middle > MAX_COPIED_BYTES) this.#bytes.set(labels.subarray(prefix, prefix + middle), at);
      else for (let k = 0; k < middle; k++) this.#bytes[at + k] = labels[prefix + k]!;
      this.#at = at + middle;
      previous = labels as Uint8Array<ArrayBuffer>;
    }
    this.#endSection(section);
  }

  #floatSamples(slots: Uint32Array, offsets: Int32Array, values: Float64Array, count: number): void {
    const section = this.#beginSection(SECTION_FLOAT_SAMPLES, 16 + count * (2 * MAX_RUN_BYTES + 8) + 16);
    const header = this.#at;
    const slotsAt = header + 16;
    const timesAt = writeSlotRuns(this.#bytes, slotsAt, slots, count);
    const timesEnd = writeTimeRuns(this.#bytes, timesAt, offsets, count);
    const valuesAt = align8(timesEnd);
    this.#bytes.fill(0, timesEnd, valuesAt);
    new Float64Array(this.#bytes.buffer, valuesAt, count).set(
      values.length === count ? values : values.subarray(0, count),
    );
    this.#view.setUint32(header, count, true);
    this.#view.setUint32(header + 4, timesAt - slotsAt, true);
    this.#view.setUint32(header + 8, timesEnd - timesAt, true);
    this.#view.setUint32(header + 12, VALUES_RAW, true);
    this.#at = valuesAt + count * 8;
    this.#endSection(section);
  }

  /** Returns the position of the section's header. */
  #beginSection(kind: number, reserveBytes: number): number {
    this.#reserve(this.#at, SECTION_HEADER_BYTES + reserveBytes);
    const section = this.#at;
    this.#view.setUint32(section, kind, true);
    this.#at += SECTION_HEADER_BYTES;
    return section;
  }

  #endSection(section: number): void {
    this.#view.setUint32(section + 4, this.#at - section - SECTION_HEADER_BYTES, true);
    const end = align8(this.#at);
    this.#reserve(this.#at, 8);
    this.#bytes.fill(0, this.#at, end);
    this.#at = end;
  }

  #reserve(at: number, bytes: number): void {
    if (at + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, align8(at + bytes)));
    grown.set(this.#bytes.subarray(0, at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function findShared(labels: Uint8Array, previous: Uint8Array, out: SharedBytes): void {
  const shortest = Math.min(labels.length, previous.length);
  let prefix = 0;
  while (prefix < shortest && labels[prefix] === previous[prefix]) prefix++;
  const most = shortest - prefix;
  let suffix = 0;
  while (suffix < most && labels[labels.length - 1 - suffix] === previous[previous.length - 1 - suffix]) suffix++;
  out.prefix = prefix;
  out.suffix = suffix;
}

function writeSlotRuns(bytes: Uint8Array, at: number, slots: Uint32Array, count: number): number {
  let expected = 0;
  let i = 0;
  while (i < count) {
    const first = slots[i]!;
    let next = first + 1;
    let end = i + 1;
    while (end < count && slots[end] === next) {
      end++;
      next++;
    }
    at = writeVarint(bytes, at, zigzag(first - expected));
    at = writeVarint(bytes, at, end - i);
    expected = next;
    i = end;
  }
  return at;
}

function writeTimeRuns(bytes: Uint8Array, at: number, offsets: Int32Array, count: number): number {
  let previous = 0;
  let i = 0;
  while (i < count) {
    const offset = offsets[i]!;
    let end = i + 1;
    while (end < count && offsets[end] === offset) end++;
    at = writeVarint(bytes, at, zigzag(offset - previous));
    at = writeVarint(bytes, at, end - i);
    previous = offset;
    i = end;
  }
  return at;
}

/** Distances below 2^31 in size only. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}
