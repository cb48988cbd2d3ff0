// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into src/head/chunks-kernel.ts.
// The layout of memory is explained in src/head/chunk-memory.ts.

const CHUNK_SAMPLES: i32 = 16;
const SEGMENT_CHUNK_BITS: u32 = 12;
const SEGMENT_CHUNKS: u32 = 1 << SEGMENT_CHUNK_BITS;
const VALUES_IN_SEGMENT: usize = SEGMENT_CHUNKS * CHUNK_SAMPLES * 4;
const LINKS_IN_SEGMENT: usize = VALUES_IN_SEGMENT + SEGMENT_CHUNKS * CHUNK_SAMPLES * 8;
const SEGMENT_BYTES: usize = LINKS_IN_SEGMENT + SEGMENT_CHUNKS * 4;

const CAPACITY: i32 = 65536;
const COLUMN_BYTES: usize = 8 * CAPACITY;
const KNOWN_TIMES: usize = 1 << 16;
const TIMES: usize = KNOWN_TIMES + COLUMN_BYTES;
const VALUES: usize = TIMES + COLUMN_BYTES;
const SEGMENTS: usize = VALUES + COLUMN_BYTES;

const DIFFERENT: i32 = -1;
const TOO_MANY: i32 = -2;

/**
 * Copies the samples of a chain of chunks, whose times ascend, with offsets in [from, to]: the values to VALUES from `at`
 * on, the times, which are the offsets plus `start`, to TIMES.
 * @param chunk the first of the chain, 0 for none
 * @param last the last chunk that has samples, `lastFill` of them
 * @param known 1: the times are those at KNOWN_TIMES, or the answer is DIFFERENT; then they are not copied
 * @param room no more than so many samples in all, or the answer is DIFFERENT with known times, TOO_MANY without
 * @returns the position behind the last sample
 */
export function copyChain(
  chunk: u32,
  last: u32,
  lastFill: i32,
  from: i32,
  to: i32,
  start: f64,
  at: i32,
  room: i32,
  known: i32,
): i32 {
  const starts = f64x2.splat(start);
  while (chunk != 0) {
    const segment = SEGMENTS + <usize>(chunk >>> SEGMENT_CHUNK_BITS) * SEGMENT_BYTES;
    const place = <usize>(chunk & (SEGMENT_CHUNKS - 1));
    let offset = segment + place * (CHUNK_SAMPLES * 4);
    let value = segment + VALUES_IN_SEGMENT + place * (CHUNK_SAMPLES * 8);
    let count = chunk == last ? lastFill : CHUNK_SAMPLES;
    chunk = chunk == last ? 0 : load<u32>(segment + LINKS_IN_SEGMENT + place * 4);
    if (load<i32>(offset + (<usize>(count - 1) << 2)) < from) continue;
    if (load<i32>(offset) > to) break;
    while (load<i32>(offset) < from) {
      offset += 4;
      value += 8;
      count--;
    }
    while (count > 0 && load<i32>(offset + (<usize>(count - 1) << 2)) > to) count--;
    if (at + count > room) return known ? DIFFERENT : TOO_MANY;
    let target = VALUES + (<usize>at << 3);
    let times = (known ? KNOWN_TIMES : TIMES) + (<usize>at << 3);
    at += count;
    let different = i64x2.splat(0);
    while (count >= 4) {
      const offsets = v128.load(offset);
      const low = f64x2.add(f64x2.convert_low_i32x4_s(offsets), starts);
      const high = f64x2.add(
        f64x2.convert_low_i32x4_s(v128.shuffle<i32>(offsets, offsets, 2, 3, 2, 3)),
        starts,
      );
      if (known) {
        different = v128.or(
          different,
          v128.or(f64x2.ne(low, v128.load(times)), f64x2.ne(high, v128.load(times, 16))),
        );
      } else {
        v128.store(times, low);
        v128.store(times, high, 16);
      }
      v128.store(target, v128.load(value));
      v128.store(target, v128.load(value, 16), 16);
      offset += 16;
      value += 32;
      target += 32;
      times += 32;
      count -= 4;
    }
    while (count > 0) {
      const time = <f64>load<i32>(offset) + start;
      if (known) {
        if (time != load<f64>(times)) return DIFFERENT;
      } else store<f64>(times, time);
      store<u64>(target, load<u64>(value));
      offset += 4;
      value += 8;
      target += 8;
      times += 8;
      count--;
    }
    if (v128.any_true(different)) return DIFFERENT;
  }
  return at;
}

/** How many of the first `count` of VALUES are neither NaN nor below the one before. */
export function ascendingCount(count: i32): i32 {
  if (count == 0 || load<f64>(VALUES) != load<f64>(VALUES)) return 0;
  let i = 1;
  while (i + 4 <= count) {
    const at = VALUES + (<usize>i << 3);
    const ascends = v128.and(
      f64x2.ge(v128.load(at), v128.load(at - 8)),
      f64x2.ge(v128.load(at, 16), v128.load(at, 8)),
    );
    if (!i64x2.all_true(ascends)) break;
    i += 4;
  }
  while (i < count) {
    const at = VALUES + (<usize>i << 3);
    if (!(load<f64>(at) >= load<f64>(at - 8))) break;
    i++;
  }
  return i;
}
