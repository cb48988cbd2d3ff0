// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into src/head/known-series-kernel.ts.
// The layout of memory is explained in src/head/known-series.ts.

const CAPACITY: usize = 4096;
const SERIES_COUNT: usize = 0;
const SAMPLE_COUNT: usize = 4;
const LAST_KEY: usize = 8;
const SERIES: usize = 64;
const LABELS_START: usize = SERIES + 4 * CAPACITY;
const LABELS_END: usize = LABELS_START + 4 * CAPACITY;
const SAMPLES_END: usize = LABELS_END + 4 * CAPACITY;
const TIMESTAMPS: usize = SAMPLES_END + 4 * CAPACITY;
const VALUES: usize = TIMESTAMPS + 8 * CAPACITY;

// Behind a key's address are its bytes, before it:
const KEY_LENGTH: usize = 16;
const KEY_SERIES: usize = 12;
const KEY_SUCCESSOR: usize = 8;

const CONTINUATION_BITS: u64 = 0x008080808080;

/**
 * Takes series from `at` on, as long as each is the successor of the one before and of the usual shape: its labels are
 * the bytes of the key that followed last time, its samples have a value and a time of our days, and nothing follows.
 * @param base offsets of labels are counted from here
 * @returns where the first series stands that was not taken, or `end`
 */
export function takeKnownSeries(base: usize, at: usize, end: usize, key: usize): usize {
  let series: usize = 0;
  let samples: usize = 0;
  while (at < end && key != 0 && series < CAPACITY) {
    const next = <usize>load<u32>(key - KEY_SUCCESSOR);
    if (next == 0 || load<u8>(at) != 0x0a) break;
    let length = <usize>load<u8>(at + 1);
    let start = at + 2;
    if (length >= 0x80) {
      const more = <usize>load<u8>(start++);
      if (more >= 0x80) break;
      length = (length & 0x7f) | (more << 7);
    }
    if (start > end || length > end - start) break;
    const seriesEnd = start + length;
    const keyLength = <usize>load<u32>(next - KEY_LENGTH);
    if (keyLength < 16 || keyLength > length || !isEqual(next, start, keyLength)) break;
    const labelsEnd = start + keyLength;
    const samplesEnd = takeSamples(labelsEnd, seriesEnd, samples);
    if (samplesEnd < 0) break;
    samples = <usize>samplesEnd;
    const place = 4 * series++;
    store<u32>(SERIES + place, load<u32>(next - KEY_SERIES));
    store<u32>(LABELS_START + place, <u32>(start - base));
    store<u32>(LABELS_END + place, <u32>(labelsEnd - base));
    store<u32>(SAMPLES_END + place, <u32>samples);
    key = next;
    at = seriesEnd;
  }
  store<u32>(SERIES_COUNT, <u32>series);
  store<u32>(SAMPLE_COUNT, <u32>samples);
  store<u32>(LAST_KEY, <u32>key);
  return at;
}

/** At least 16 bytes. The last ones overlap with those before. One branch for 64 bytes: most keys have some hundred. */
@inline
function isEqual(a: usize, b: usize, length: usize): bool {
  const size: usize = length < 64 ? 16 : 64;
  const last = a + length - size;
  const lastOfB = b + length - size;
  if (length < 64) {
    while (a < last) {
      if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
      a += 16;
      b += 16;
    }
    return !v128.any_true(v128.xor(v128.load(last), v128.load(lastOfB)));
  }
  while (a < last) {
    if (differ64(a, b)) return false;
    a += 64;
    b += 64;
  }
  return !differ64(last, lastOfB);
}

@inline
function differ64(a: usize, b: usize): bool {
  const low = v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, 16), v128.load(b, 16)));
  const high = v128.or(v128.xor(v128.load(a, 32), v128.load(b, 32)), v128.xor(v128.load(a, 48), v128.load(b, 48)));
  return v128.any_true(v128.or(low, high));
}

/**
 * Samples of the two shapes that senders write: value and six bytes of time, or time alone where the value is 0.
 * @returns the number of samples after them, or -1 where something else stands there
 */
@inline
function takeSamples(at: usize, end: usize, samples: usize): isize {
  while (at < end) {
    if (samples == CAPACITY) return -1;
    const head = load<u16>(at);
    let value: u64 = 0;
    if (head == 0x1012 && load<u8>(at + 2) == 0x09) {
      value = load<u64>(at + 3);
      at += 11;
    } else if (head == 0x0712) at += 2;
    else return -1;
    // One byte of tag, six of time.
    if (end < at + 7 || load<u8>(at) != 0x10) return -1;
    const bits = load<u64>(at + 1) & 0xffffffffffff;
    if ((bits & 0x808080808080) != CONTINUATION_BITS) return -1;
    store<u64>(VALUES + 8 * samples, value);
    store<f64>(TIMESTAMPS + 8 * samples, <f64>timeOf(bits));
    samples++;
    at += 7;
  }
  return at == end ? <isize>samples : -1;
}

/** Six varint bytes without their continuation bits. */
@inline
function timeOf(bits: u64): u64 {
  return (
    (bits & 0x7f) |
    ((bits >> 1) & (0x7f << 7)) |
    ((bits >> 2) & (0x7f << 14)) |
    ((bits >> 3) & (0x7f << 21)) |
    ((bits >> 4) & (<u64>0x7f << 28)) |
    ((bits >> 5) & (<u64>0x7f << 35))
  );
}
