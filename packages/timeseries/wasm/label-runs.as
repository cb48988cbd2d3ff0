// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into src/head/label-runs-kernel.ts.
// Shares the memory of bytes.as. What lies where is explained in src/head/known-labels.ts.

const SLOTS: usize = 3 * 65536;
const SLOT_BYTES: usize = 272;
const SLOT_BITS: u32 = 12;
// Of a slot: bytes of the label or 0, its pair or -1, flags, where its name begins, how long that is, the bytes.
const PAIR: usize = 4;
const FLAGS: usize = 8;
const NAME_START: usize = 9;
const NAME_LENGTH: usize = 10;
const BYTES: usize = 16;
const MIN_LABEL_BYTES: usize = 8;
const MAX_LABEL_BYTES: usize = 255;

const RUN: usize = SLOTS + (SLOT_BYTES << SLOT_BITS);
// Of a run: labels, those with a value, flags that all have, flags that one has, 1 where names ascend, the last name.
const COUNT: usize = RUN;
const VALUE_COUNT: usize = RUN + 4;
const ALL_FLAGS: usize = RUN + 8;
const ANY_FLAGS: usize = RUN + 12;
const ASCENDING: usize = RUN + 16;
const LAST_NAME: usize = RUN + 20;
const LAST_NAME_LENGTH: usize = RUN + 24;
const PAIRS: usize = RUN + 64;
const MAX_LABELS: u32 = 1024;

const EMPTY: u32 = 1;

/** The slot for the label of `size` bytes at `at`. */
export function slotOf(at: usize, size: usize): usize {
  let h = load<u64>(at + (size >> 1) - 4) * 0x9e3779b97f4a7c15;
  h = (h ^ (h >> 29) ^ load<u64>(at + size - 8)) * 0xbf58476d1ce4e5b9;
  // Names of files and containers often differ in neither place.
  if (size >= 64) h = (h ^ (h >> 31) ^ load<u64>(at + size - 24) ^ rotl<u64>(load<u64>(at + (size >> 2)), 17)) * 0x9e3779b97f4a7c15;
  h = (h ^ (h >> 32) ^ <u64>size) * 0x94d049bb133111eb;
  return SLOTS + <usize>(h >> (64 - SLOT_BITS)) * SLOT_BYTES;
}

/**
 * Begins a run of labels, or reads on in one, as long as they are in their slots.
 * @param mode 1 where the run begins, and 2 more where labels without a pair are to be stopped at
 * @returns where the first label begins that was not read, or `end`
 */
export function read(at: usize, end: usize, mode: i32): usize {
  const needsPairs = mode & 2;
  let count: u32 = 0;
  let valueCount: u32 = 0;
  let allFlags: u32 = 0xff;
  let anyFlags: u32 = 0;
  let ascending: u32 = 1;
  let lastName: usize = 0;
  let lastNameLength: usize = 0;
  if ((mode & 1) == 0) {
    count = load<u32>(COUNT);
    valueCount = load<u32>(VALUE_COUNT);
    allFlags = load<u32>(ALL_FLAGS);
    anyFlags = load<u32>(ANY_FLAGS);
    ascending = load<u32>(ASCENDING);
    lastName = <usize>load<u32>(LAST_NAME);
    lastNameLength = <usize>load<u32>(LAST_NAME_LENGTH);
  }
  while (at < end && count < MAX_LABELS) {
    if (end - at < MIN_LABEL_BYTES || load<u8>(at) != 0x0a) break;
    let size = <usize>load<u8>(at, 1) + 2;
    if (size >= 0x80 + 2) {
      const more = <usize>load<u8>(at, 2);
      if (more >= 0x80) break;
      size = (size - 0x80) + (more << 7) + 1;
    }
    if (size < MIN_LABEL_BYTES || size > MAX_LABEL_BYTES || size > end - at) break;
    const slot = slotOf(at, size);
    if (<usize>load<u32>(slot) != size || !isEqual(slot + BYTES, at, size)) break;
    const pair = load<i32>(slot, PAIR);
    const flags = <u32>load<u8>(slot, FLAGS);
    if (needsPairs != 0 && pair < 0 && (flags & EMPTY) == 0) break;
    const name = at + <usize>load<u8>(slot, NAME_START);
    const nameLength = <usize>load<u8>(slot, NAME_LENGTH);
    if (count > 0 && ascending != 0 && !isBelow(lastName, lastNameLength, name, nameLength)) ascending = 0;
    lastName = name;
    lastNameLength = nameLength;
    store<i32>(PAIRS + 4 * <usize>count, pair);
    count++;
    valueCount += 1 - (flags & EMPTY);
    allFlags &= flags;
    // A label without a value says nothing.
    if ((flags & EMPTY) == 0) anyFlags |= flags;
    else anyFlags |= EMPTY;
    at += size;
  }
  store<u32>(COUNT, count);
  store<u32>(VALUE_COUNT, valueCount);
  store<u32>(ALL_FLAGS, allFlags);
  store<u32>(ANY_FLAGS, anyFlags);
  store<u32>(ASCENDING, ascending);
  store<u32>(LAST_NAME, <u32>lastName);
  store<u32>(LAST_NAME_LENGTH, <u32>lastNameLength);
  return at;
}

/** At least 8 bytes. The last 8 overlap with those before. */
@inline
function isEqual(a: usize, b: usize, length: usize): bool {
  const last = a + length - 8;
  const lastOfB = b + length - 8;
  while (a < last) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
  }
  return load<u64>(last) == load<u64>(lastOfB);
}

/** Whether the first of two byte strings comes before the second. */
@inline
function isBelow(a: usize, aLength: usize, b: usize, bLength: usize): bool {
  const shorter = aLength < bLength ? aLength : bLength;
  for (let i: usize = 0; i < shorter; i++) {
    const x = load<u8>(a + i);
    const y = load<u8>(b + i);
    if (x != y) return x < y;
  }
  return aLength < bLength;
}
