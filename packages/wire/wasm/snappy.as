// AssemblyScript. Built by `node packages/wire/wasm/build.mjs` into packages/wire/src/snappy-kernel.ts.

// Results of uncompress, besides 0. Their texts are in src/snappy-wasm.ts.
const TRUNCATED: i32 = 1;
const LITERAL_PAST_INPUT: i32 = 2;
const PAST_LENGTH: i32 = 3;
const COPY_BEFORE_START: i32 = 4;
const TOO_SHORT: i32 = 5;

const SHORT_LITERAL: usize = 512;

/**
 * Uncompresses the elements at from … end (the length header left out) to out … outEnd. Memory must go on for 16 bytes
 * after both ends: copies go in words.
 */
export function uncompress(from: usize, end: usize, out: usize, outEnd: usize): i32 {
  let at = out;
  while (from < end) {
    const tag = <u32>load<u8>(from);
    const kind = tag & 3;
    from++;
    if (kind == 0) {
      let size = <usize>(tag >>> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        if (extra > end - from) return TRUNCATED;
        // Of the four bytes read, those that the length does not have are shifted out.
        size = <usize>(load<u32>(from) & (0xffffffff >>> (32 - 8 * <u32>extra)));
        if (size == 0xffffffff) return LITERAL_PAST_INPUT;
        size++;
        from += extra;
      }
      if (size > end - from) return LITERAL_PAST_INPUT;
      if (size > outEnd - at) return PAST_LENGTH;
      if (size <= SHORT_LITERAL) {
        // Calling memory.copy costs more than this does.
        for (let i: usize = 0; i < size; i += 16) v128.store(at + i, v128.load(from + i));
      } else memory.copy(at, from, size);
      from += size;
      at += size;
      continue;
    }
    let size: usize;
    let offset: usize;
    if (kind == 1) {
      if (end - from < 1) return TRUNCATED;
      size = <usize>((tag >>> 2) & 7) + 4;
      offset = <usize>(((tag >>> 5) << 8) | <u32>load<u8>(from));
      from += 1;
    } else if (kind == 2) {
      if (end - from < 2) return TRUNCATED;
      size = <usize>(tag >>> 2) + 1;
      offset = <usize>load<u16>(from);
      from += 2;
    } else {
      if (end - from < 4) return TRUNCATED;
      size = <usize>(tag >>> 2) + 1;
      offset = <usize>load<u32>(from);
      from += 4;
    }
    if (offset == 0 || offset > at - out) return COPY_BEFORE_START;
    if (size > outEnd - at) return PAST_LENGTH;
    const source = at - offset;
    if (offset >= 16) {
      for (let i: usize = 0; i < size; i += 16) v128.store(at + i, v128.load(source + i));
    } else if (offset >= 8) {
      for (let i: usize = 0; i < size; i += 8) store<u64>(at + i, load<u64>(source + i));
    } else {
      for (let i: usize = 0; i < size; i++) store<u8>(at + i, load<u8>(source + i));
    }
    at += size;
  }
  return at == outEnd ? 0 : TOO_SHORT;
}
