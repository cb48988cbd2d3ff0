// AssemblyScript. Built by `node packages/wire/wasm/build.mjs` into packages/wire/src/snappy-kernel.ts.

// Results of uncompress, besides 0. Their texts are in src/snappy-wasm.ts.
const TRUNCATED: i32 = 1;
const LITERAL_PAST_INPUT: i32 = 2;
const PAST_LENGTH: i32 = 3;
const COPY_BEFORE_START: i32 = 4;
const TOO_SHORT: i32 = 5;

const SHORT_LITERAL: usize = 512;
/** The quick loop copies 64 bytes whatever an element's size, and an element takes 61 bytes of input at most. */
const QUICK_MARGIN: usize = 80;

/**
 * Uncompresses the elements at from … end (the length header left out) to out … outEnd. Memory must go on for 16 bytes
 * after both ends: copies go in words.
 */
export function uncompress(from: usize, end: usize, out: usize, outEnd: usize): i32 {
  const quickEnd = end - from > QUICK_MARGIN ? end - QUICK_MARGIN : from;
  const quickOutEnd = outEnd - out > QUICK_MARGIN ? outEnd - QUICK_MARGIN : out;
  let at = out;
  while (from < end) {
    // Far from both ends, where nothing of a usual element can run past them. Sizes are hard to foresee: a copy of 64
    // bytes, of which some are overwritten, costs less than a branch that is mispredicted.
    while (from < quickEnd && at < quickOutEnd) {
      const tag = <u32>load<u8>(from);
      const kind = tag & 3;
      if (kind == 0) {
        const size = <usize>(tag >>> 2) + 1;
        if (size > 60) break;
        copy64(at, from + 1);
        from += size + 1;
        at += size;
        continue;
      }
      if (kind == 3) break;
      const isOne = <u32>(kind == 1);
      const word = <u32>load<u16>(from + 1);
      const size = <usize>select<u32>(((tag >>> 2) & 7) + 4, (tag >>> 2) + 1, isOne);
      const offset = <usize>select<u32>(((tag >>> 5) << 8) | (word & 0xff), word, isOne);
      if (offset < 16 || offset > at - out) break;
      copy64(at, at - offset);
      from += <usize>kind + 1;
      at += size;
    }
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

/** In words from front to back, so that what is copied may overlap by 48 bytes what it is copied to. */
@inline
function copy64(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to + 16, v128.load(from + 16));
  v128.store(to + 32, v128.load(from + 32));
  v128.store(to + 48, v128.load(from + 48));
}
