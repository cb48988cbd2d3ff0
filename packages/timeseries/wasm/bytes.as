// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into packages/timeseries/src/head/bytes-kernel.ts.

/** 1 where the `length` bytes at `a` and at `b` are the same; at least 16 bytes. The last 16 overlap with those before. */
export function equal(a: usize, b: usize, length: usize): i32 {
  const last = a + length - 16;
  const lastOfB = b + length - 16;
  while (a < last) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return 0;
    a += 16;
    b += 16;
  }
  return v128.any_true(v128.xor(v128.load(last), v128.load(lastOfB))) ? 0 : 1;
}

/** `hashBytes` of src/head/byte-hash.ts for at least 4 bytes. */
export function hash(at: usize, length: usize, seed: i32): i32 {
  let a: i32 = seed ^ (<i32>length * <i32>0x9e3779b1);
  let b: i32 = seed + 0x7f4a7c15;
  const last = at + length - 4;
  for (; at < last; at += 4) {
    const word = load<i32>(at);
    a = (a ^ word) * <i32>0x85ebca6b;
    b = (rotl<i32>(b, 13) + word) * <i32>0xc2b2ae35;
    a ^= <i32>((<u32>b) >> 15);
  }
  const word = load<i32>(last);
  a = (a ^ word) * <i32>0x85ebca6b;
  b = (rotl<i32>(b, 13) + word) * <i32>0xc2b2ae35;
  a ^= b;
  a = (a ^ <i32>((<u32>a) >> 16)) * <i32>0x85ebca6b;
  a = (a ^ <i32>((<u32>a) >> 13)) * <i32>0xc2b2ae35;
  return a ^ <i32>((<u32>a) >> 16);
}

export function copy(from: usize, length: usize, to: usize): void {
  memory.copy(to, from, length);
}

/** How many bytes at `a` and at `b` are the same, `length` at most. */
export function sharedStart(a: usize, b: usize, length: usize): usize {
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) {
    const difference = load<u64>(a + at) ^ load<u64>(b + at);
    if (difference != 0) return at + (<usize>ctz<u64>(difference) >> 3);
  }
  while (at < length && load<u8>(a + at) == load<u8>(b + at)) at++;
  return at;
}

/** How many bytes before `a` and before `b` are the same, `length` at most. */
export function sharedEnd(a: usize, b: usize, length: usize): usize {
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) {
    const difference = load<u64>(a - at - 8) ^ load<u64>(b - at - 8);
    if (difference != 0) return at + (<usize>clz<u64>(difference) >> 3);
  }
  while (at < length && load<u8>(a - at - 1) == load<u8>(b - at - 1)) at++;
  return at;
}
