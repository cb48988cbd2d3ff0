// AssemblyScript. Built by `node packages/timeseries/wasm/build.mjs` into packages/timeseries/src/http/floats-kernel.ts.
//
// Prints float64 in as few digits as tell it from its neighbours, by the method of R. Giulietti ("Schubfach"): of the
// decimals in the interval that rounds to the value, the one with the largest power of ten is taken.
// The caller fills the table at 0: for k from -292 to 324, 10^k as 128 bits with the highest set, rounded up; low word first.

const MIN_POWER: i32 = -292;

// @ts-ignore: decorator
@inline
function floorLog2Pow10(e: i32): i32 {
  return (e * 1741647) >> 19;
}

// @ts-ignore: decorator
@inline
function mulHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** The upper 64 bits of the 192-bit product with the table's entry; the last bit is set where anything was cut off. */
// @ts-ignore: decorator
@inline
function roundToOdd(high: u64, low: u64, factor: u64): u64 {
  const carry = mulHigh(low, factor);
  const lower = high * factor;
  const sum = lower + carry;
  const upper = mulHigh(high, factor) + u64(sum < lower);
  return upper | u64(sum > 1);
}

let exponent: i32 = 0;

/** The decimal's digits; its power of ten goes to `exponent`. For finite values above 0. */
function decimalOf(bits: u64): u64 {
  const fraction = bits & 0xfffffffffffff;
  const biased = i32((bits >> 52) & 0x7ff);
  let c: u64 = fraction;
  let q: i32 = -1074;
  if (biased != 0) {
    c = fraction | 0x10000000000000;
    q = biased - 1075;
    if (q <= 0 && q > -53 && (c & ((u64(1) << u64(-q)) - 1)) == 0) {
      exponent = 0;
      return c >> u64(-q);
    }
  }
  const isEven = (c & 1) == 0;
  const isCloser = fraction == 0 && biased > 1;
  const left = 4 * c - 2 + u64(isCloser);
  const middle = 4 * c;
  const right = 4 * c + 2;
  const k = (q * 1262611 - (isCloser ? 524031 : 0)) >> 22;
  const h = q + floorLog2Pow10(-k) + 1;
  const entry = usize(-k - MIN_POWER) << 4;
  const low = load<u64>(entry);
  const high = load<u64>(entry, 8);
  const vLeft = roundToOdd(high, low, left << u64(h));
  const v = roundToOdd(high, low, middle << u64(h));
  const vRight = roundToOdd(high, low, right << u64(h));
  const lower = vLeft + u64(!isEven);
  const upper = vRight - u64(!isEven);
  const s = v >> 2;
  if (s >= 10) {
    const tens = s / 10;
    const isUpIn = lower <= 40 * tens;
    const isDownIn = 40 * tens + 40 <= upper;
    if (isUpIn != isDownIn) {
      exponent = k + 1;
      return tens + u64(isDownIn);
    }
  }
  exponent = k;
  const isLowIn = lower <= 4 * s;
  const isHighIn = 4 * s + 4 <= upper;
  if (isLowIn != isHighIn) return s + u64(isHighIn);
  const half = 4 * s + 2;
  return s + u64(v > half || (v == half && (s & 1) == 1));
}

/** Writes the lowest `count` digits so that they end before `end`. */
// @ts-ignore: decorator
@inline
function writeDigits(digits: u64, count: i32, end: usize): void {
  while (count > 8) {
    const rest = digits / 100000000;
    let part = u32(digits - rest * 100000000);
    for (let i = 0; i < 8; i++) {
      const next = part / 10;
      store<u8>(--end, u8(48 + part - next * 10));
      part = next;
    }
    digits = rest;
    count -= 8;
  }
  let part = u32(digits);
  for (let i = 0; i < count; i++) {
    const next = part / 10;
    store<u8>(--end, u8(48 + part - next * 10));
    part = next;
  }
}

function countDigits(digits: u64): i32 {
  let count = 1;
  let bound: u64 = 10;
  while (count < 20 && digits >= bound) {
    count++;
    bound *= 10;
  }
  return count;
}

function fill(at: usize, count: i32): usize {
  memory.fill(at, 48, usize(count));
  return at + usize(count);
}

/** Writes a value as Prometheus' API does and returns the position behind it. */
export function write(value: f64, at: usize): usize {
  let bits = reinterpret<u64>(value);
  if (value != value) {
    store<u8>(at, 78); // NaN
    store<u8>(at + 1, 97);
    store<u8>(at + 2, 78);
    return at + 3;
  }
  const isNegative = bits >> 63 != 0;
  bits &= 0x7fffffffffffffff;
  if (bits == 0x7ff0000000000000) {
    store<u8>(at, isNegative ? 45 : 43); // -Inf, +Inf
    store<u8>(at + 1, 73);
    store<u8>(at + 2, 110);
    store<u8>(at + 3, 102);
    return at + 4;
  }
  if (isNegative) store<u8>(at++, 45);
  if (bits == 0) {
    store<u8>(at, 48);
    return at + 1;
  }
  let digits = decimalOf(bits);
  let power = exponent;
  let count = countDigits(digits);
  if (power != 0) {
    while (digits % 10 == 0) {
      digits /= 10;
      power++;
      count--;
    }
  }
  const point = count + power; // digits before the point
  if (point > 21 || point <= -6) {
    store<u8>(at, u8(48));
    writeDigits(digits, count, at + usize(count) + 1);
    store<u8>(at, load<u8>(at, 1));
    if (count > 1) {
      store<u8>(at, 46, 1);
      at += usize(count) + 1;
    } else at += 1;
    store<u8>(at++, 101);
    let e = point - 1;
    store<u8>(at++, e < 0 ? 45 : 43);
    if (e < 0) e = -e;
    const width = e >= 100 ? 3 : 2;
    writeDigits(u64(e), width, at + usize(width));
    return at + usize(width);
  }
  if (power >= 0) {
    writeDigits(digits, count, at + usize(count));
    return fill(at + usize(count), power);
  }
  if (point > 0) {
    writeDigits(digits, count, at + usize(count) + 1);
    memory.copy(at, at + 1, usize(point));
    store<u8>(at + usize(point), 46);
    return at + usize(count) + 1;
  }
  store<u8>(at, 48);
  store<u8>(at + 1, 46);
  at = fill(at + 2, -point);
  writeDigits(digits, count, at + usize(count));
  return at + usize(count);
}

/** Writes `count` points, each a prefix (its end in `ends`), the value and `"]`; returns the position behind them. */
export function points(values: usize, count: i32, ends: usize, prefixes: usize, at: usize): usize {
  let start: u32 = 0;
  for (let i = 0; i < count; i++) {
    const end = load<u32>(ends + (usize(i) << 2));
    for (let j = start; j < end; j += 8) store<u64>(at + usize(j - start), load<u64>(prefixes + usize(j)));
    at += usize(end - start);
    start = end;
    at = write(load<f64>(values + (usize(i) << 3)), at);
    store<u16>(at, 0x5d22);
    at += 2;
  }
  return at;
}
