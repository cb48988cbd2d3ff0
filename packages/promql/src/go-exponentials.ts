/**
 * Exponential functions and logarithms as Go computes them on amd64, to the last bit, which shows where results are
 * compared, become labels or stand in a message: logarithms after FreeBSD's, `pow` by repeated squaring, `exp` by a
 * Taylor series with fused multiplications and additions.
 */

const bits = new DataView(new ArrayBuffer(8));

/** `[f, e]` with `value = f * 2^e` and `f` in [0.5, 1). @param value finite and positive */
function fractionAndExponent(value: number): [fraction: number, exponent: number] {
  const isSubnormal = value < 2 ** -1022;
  bits.setFloat64(0, isSubnormal ? value * 2 ** 52 : value);
  const high = bits.getUint32(0);
  const exponent = (high >>> 20) - 1022 - (isSubnormal ? 52 : 0);
  bits.setUint32(0, (high & 0x800f_ffff) | (1022 << 20));
  return [bits.getFloat64(0), exponent];
}

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LOG_EVEN = [0.15313837699209373, 0.22222198432149784, 0.3999999999940942];
const LOG_ODD = [0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735];

/** Natural logarithm. */
export function log(value: number): number {
  if (!(value > 0) || value === Infinity) return Math.log(value);
  let [fraction, exponent] = fractionAndExponent(value);
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    exponent--;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const square = s * s;
  const fourth = square * square;
  const [L7, L5, L3, L1] = LOG_ODD as [number, number, number, number];
  const [L6, L4, L2] = LOG_EVEN as [number, number, number];
  const odd = square * (L1 + fourth * (L3 + fourth * (L5 + fourth * L7)));
  const even = fourth * (L2 + fourth * (L4 + fourth * L6));
  const half = 0.5 * f * f;
  return exponent * LN2_HIGH - (half - (s * (half + (odd + even)) + exponent * LN2_LOW) - f);
}

/** Logarithm to base 2: the exponent plus the natural logarithm of the fraction. */
export function log2(value: number): number {
  if (!(value > 0) || value === Infinity) return Math.log2(value);
  const [fraction, exponent] = fractionAndExponent(value);
  // Exact for powers of two.
  if (fraction === 0.5) return exponent - 1;
  return exponent + log(fraction) * (1 / Math.LN2);
}

/** Logarithm to base 10. */
export function log10(value: number): number {
  return log(value) * Math.LOG10E;
}

/** `fraction * 2^exponent`, rounded once. */
function scaled(fraction: number, exponent: number): number {
  if (exponent > 1023) return fraction * 2 ** 1023 * 2 ** Math.min(exponent - 1023, 1023);
  if (exponent >= -1022) return fraction * 2 ** exponent;
  return fraction * 2 ** -1022 * 2 ** Math.max(exponent + 1022, -1000);
}

const EXP2 = [
  4.1381367970572385e-8, -1.6533902205465252e-6, 6.613756321437934e-5, -0.0027777777777015593, 0.16666666666666666,
];

/** 2 to a power. */
export function exp2(power: number): number {
  if (!(power <= 1023.9999999999999) || power < -1074) return 2 ** power;
  const whole = Math.trunc(power + (power > 0 ? 0.5 : -0.5));
  const rest = power - whole;
  const high = rest * LN2_HIGH;
  const low = -rest * LN2_LOW;
  const r = high - low;
  const t = r * r;
  let sum = 0;
  for (const coefficient of EXP2) sum = coefficient + t * sum;
  const c = r - t * sum;
  return scaled(1 - (low - (r * c) / (2 - c) - high), whole);
}

/** Of 1/8!, 1/7!, …, 1/2!, 1. */
const TAYLOR = [
  2.48015873015873e-5, 1.984126984126984e-4, 1.388888888888889e-3, 8.333333333333333e-3, 4.1666666666666664e-2,
  1.6666666666666666e-1, 0.5, 1,
];
const LN2_UPPER = 0.693147180559663;
const LN2_LOWER = 2.8235290563031577e-13;

/** e to a power. */
export function exp(power: number): number {
  if (!(power <= 709.782712893384) || power < -708) return Math.exp(power);
  const exponent = roundHalfEven(power * Math.LOG2E);
  let x = fused(-exponent, LN2_UPPER, power);
  x = fused(-exponent, LN2_LOWER, x) * 0.0625;
  let sum = TAYLOR[0]!;
  for (let i = 1; i < TAYLOR.length; i++) sum = fused(sum, x, TAYLOR[i]!);
  x *= sum;
  // Four times from e^x - 1 to e^2x - 1.
  for (let i = 0; i < 3; i++) x *= x + 2;
  return scaled(fused(x, x + 2, 1), exponent);
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** What `a * b`, rounded, leaves out. */
function productError(a: number, b: number, product: number): number {
  const splitA = a * 134217729;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = b * 134217729;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

/** What `a + b`, rounded, leaves out. */
function sumError(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

/** `a * b + c`, rounded once. */
function fused(a: number, b: number, c: number): number {
  const product = a * b;
  const small = productError(a, b, product);
  const sum = product + c;
  const rest = sumError(product, c, sum);
  let tail = rest + small;
  const lost = sumError(rest, small, tail);
  // Rounded to odd, so that rounding it again cannot go astray.
  if (lost !== 0) {
    bits.setFloat64(0, tail);
    const low = bits.getUint32(4);
    if (low % 2 === 0) {
      const outward = lost > 0 === tail > 0;
      if (!outward && low === 0) bits.setUint32(0, bits.getUint32(0) - 1);
      bits.setUint32(4, outward ? low + 1 : low - 1);
      tail = bits.getFloat64(0);
    }
  }
  return sum + tail;
}

/** Power: the whole part of the exponent by repeated squaring, the rest through logarithm and exponential function. */
export function pow(base: number, exponent: number): number {
  if (exponent === 0 || base === 1) return 1;
  if (exponent === 1) return base;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  if (base === 0 || !Number.isFinite(base) || !Number.isFinite(exponent)) return base ** exponent;
  if (exponent === 0.5) return Math.sqrt(base);
  if (exponent === -0.5) return 1 / Math.sqrt(base);
  const magnitude = Math.abs(exponent);
  let whole = Math.trunc(magnitude);
  let rest = magnitude - whole;
  if ((rest !== 0 && base < 0) || whole >= 2 ** 63) return base ** exponent;
  let product = 1;
  let productExponent = 0;
  if (rest !== 0) {
    if (rest > 0.5) {
      rest--;
      whole++;
    }
    product = exp(rest * log(base));
  }
  let [square, squareExponent] = fractionAndExponent(Math.abs(base));
  if (base < 0) square = -square;
  while (whole !== 0) {
    if (squareExponent < -4096 || squareExponent > 4096) {
      productExponent += squareExponent;
      break;
    }
    if (whole % 2 === 1) {
      product *= square;
      productExponent += squareExponent;
    }
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square += square;
      squareExponent--;
    }
    whole = Math.floor(whole / 2);
  }
  if (exponent < 0) {
    product = 1 / product;
    productExponent = -productExponent;
  }
  return scaled(product, productExponent);
}
