import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, varintBytes } from './byte-writer.ts';

/**
 * Which samples differ from the one before: the others are left out of the column. The first sample always counts as
 * different and is not in the map.
 *
 *     bitmap := a bit for each sample but the first, low bits first, up to a whole byte
 *     places := changes varint, { distance from the change before, less 1, varint }
 */
export const MAP_NONE = 0;
export const MAP_BITMAP = 1;
export const MAP_PLACES = 2;
/** No sample differs: the column is the first value alone. */
export const MAP_CONSTANT = 3;

/** Notes the places of the entries that differ from the one before; returns how many there are. */
export function findChanges(entries: Float64Array, count: number, places: Uint32Array): number {
  let kept = 0;
  let before = entries[0]!;
  for (let i = 1; i < count; i++) {
    const entry = entries[i]!;
    if (entry !== before) {
      before = entry;
      places[kept++] = i;
    }
  }
  return kept;
}

export function bitmapBytes(count: number): number {
  return (count + 6) >>> 3;
}

export function placesBytes(places: Uint32Array, changes: number): number {
  let bytes = varintBytes(changes);
  let before = 0;
  for (let i = 0; i < changes; i++) {
    const place = places[i]!;
    bytes += place - before <= 0x80 ? 1 : varintBytes(place - before - 1);
    before = place;
  }
  return bytes;
}

export function writeBitmap(writer: ByteWriter, places: Uint32Array, changes: number, count: number): void {
  const size = bitmapBytes(count);
  writer.reserve(size);
  const { bytes, length } = writer;
  bytes.fill(0, length, length + size);
  for (let i = 0; i < changes; i++) {
    const bit = places[i]! - 1;
    bytes[length + (bit >>> 3)]! |= 1 << (bit & 7);
  }
  writer.length += size;
}

export function writePlaces(writer: ByteWriter, places: Uint32Array, changes: number): void {
  writer.varint(changes);
  let before = 0;
  for (let i = 0; i < changes; i++) {
    const place = places[i]!;
    writer.varint(place - before - 1);
    before = place;
  }
}

/** Changes in the bitmap at byte `at` for `count` samples. */
export function countBitmap(bytes: Uint8Array, at: number, count: number): number {
  let changes = 0;
  const end = at + bitmapBytes(count);
  for (let i = at; i < end; i++) {
    let byte = bytes[i]!;
    byte -= (byte >>> 1) & 0x55;
    byte = (byte & 0x33) + ((byte >>> 2) & 0x33);
    changes += (byte + (byte >>> 4)) & 0x0f;
  }
  return changes;
}

/** Spreads the `changes + 1` values at `target[to…]` over `count` samples, from the last to the first. */
export function expandBitmap(
  bytes: Uint8Array,
  at: number,
  target: Float64Array,
  to: number,
  changes: number,
  count: number,
): void {
  let from = to + changes;
  for (let bit = count - 2; bit >= 0; bit--) {
    target[to + bit + 1] = target[from]!;
    from -= (bytes[at + (bit >>> 3)]! >>> (bit & 7)) & 1;
  }
}

/** As {@link expandBitmap}, by the places of the changes. */
export function expandPlaces(
  places: Uint32Array,
  target: Float64Array,
  to: number,
  changes: number,
  count: number,
): void {
  let end = to + count;
  for (let i = changes; i > 0; i--) {
    const start = to + places[i - 1]!;
    target.fill(target[to + i]!, start, end);
    end = start;
  }
  target.fill(target[to]!, to + 1, end);
}

/** Reads the places of `changes` changes among `count` samples. */
export function readPlaces(reader: ByteReader, places: Uint32Array, changes: number, count: number): void {
  let place = 0;
  for (let i = 0; i < changes; i++) {
    place += reader.varint() + 1;
    if (place >= count) reader.fail(`a change at sample ${place} of ${count}`);
    places[i] = place;
  }
}
