import type { KeyRange } from './engine.ts';
import type { FileOwner } from './row-files.ts';

/*
 * Every row's key starts with one byte that says what it is; numbers are big-endian so that keys sort as they do.
 *
 *   00 name                          state of the storage itself: format, journal, blocks
 *   01 name                          small named rows of the database
 *   02 group u64, lane u64, part u32 journal: what one commit group holds for one lane
 *   03 lane u64                      marker: the lane is sealed, its journal rows are garbage
 *   04 block u64                     descriptor of a published block
 *   05 block u64                     marker: pages under this block are garbage (no descriptor)
 *   06 block u64, page u32           page
 */
const STATE = 0;
const META = 1;
const JOURNAL = 2;
const LANE_MARKER = 3;
const DESCRIPTOR = 4;
const BLOCK_MARKER = 5;
const PAGE = 6;

const TWO_32 = 2 ** 32;

function numberedKey(tag: number, id: number): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = tag;
  writeU53(key, 1, id);
  return key;
}

function namedKey(tag: number, name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  const key = new Uint8Array(1 + text.length);
  key[0] = tag;
  key.set(text, 1);
  return key;
}

function writeU53(bytes: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  const low = value >>> 0;
  bytes[offset] = high >>> 24;
  bytes[offset + 1] = high >>> 16;
  bytes[offset + 2] = high >>> 8;
  bytes[offset + 3] = high;
  writeU32(bytes, offset + 4, low);
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function readU32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! * 0x1000000 + ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!);
}

function readU53(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) * TWO_32 + readU32(bytes, offset + 4);
}

function tagRange(tag: number): KeyRange {
  return { start: Uint8Array.of(tag), end: Uint8Array.of(tag + 1) };
}

export const stateKey = (name: string): Uint8Array => namedKey(STATE, name);
export const metaKey = (name: string): Uint8Array => namedKey(META, name);
export const laneMarkerKey = (lane: number): Uint8Array => numberedKey(LANE_MARKER, lane);
export const descriptorKey = (block: number): Uint8Array => numberedKey(DESCRIPTOR, block);
export const blockMarkerKey = (block: number): Uint8Array => numberedKey(BLOCK_MARKER, block);

export function journalKey(group: number, lane: number, part: number): Uint8Array {
  const key = new Uint8Array(21);
  key[0] = JOURNAL;
  writeU53(key, 1, group);
  writeU53(key, 9, lane);
  writeU32(key, 17, part);
  return key;
}

export function pageKey(block: number, page: number): Uint8Array {
  const key = new Uint8Array(13);
  key[0] = PAGE;
  writeU53(key, 1, block);
  writeU32(key, 9, page);
  return key;
}

/** The lane or block that a marker's or descriptor's key names. */
export const idOfKey = (key: Uint8Array): number => readU53(key, 1);
export const groupOfKey = (key: Uint8Array): number => readU53(key, 1);
export const laneOfKey = (key: Uint8Array): number => readU53(key, 9);
export const partOfKey = (key: Uint8Array): number => readU32(key, 17);
export const pageOfKey = (key: Uint8Array): number => readU32(key, 9);
export const blockOfPageKey = (key: Uint8Array): number => readU53(key, 1);
export const isPageKey = (key: Uint8Array): boolean => key[0] === PAGE && key.length === 13;

/** Whose file a row's value may be in; undefined for rows that have their value themselves. */
export function fileOwnerOfKey(key: Uint8Array): FileOwner | undefined {
  if (key[0] === JOURNAL) return `lane-${laneOfKey(key)}`;
  return key[0] === PAGE ? `block-${blockOfPageKey(key)}` : undefined;
}

export const laneMarkers: KeyRange = tagRange(LANE_MARKER);
export const descriptors: KeyRange = tagRange(DESCRIPTOR);
export const blockMarkers: KeyRange = tagRange(BLOCK_MARKER);

/** Journal rows of every group from `group` on. */
export function journalFrom(group: number): KeyRange {
  return { start: numberedKey(JOURNAL, group), end: Uint8Array.of(JOURNAL + 1) };
}

/** Pages `first` to `end` (exclusive) of a block. */
export function pageRange(block: number, first: number, end: number): KeyRange {
  return { start: pageKey(block, first), end: pageKey(block, end) };
}

/** All pages of a block. */
export function pagesOf(block: number): KeyRange {
  return { start: numberedKey(PAGE, block), end: numberedKey(PAGE, block + 1) };
}
