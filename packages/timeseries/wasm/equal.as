// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into packages/timeseries/src/head/equal-kernel.ts.

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
