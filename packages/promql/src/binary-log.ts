/**
 * Logarithm to base 2 as Go computes it: the exponent plus the natural logarithm of the fraction. It differs from
 * JavaScript's in the last bit now and then, which shows where a result is compared or becomes a label.
 */
export function log2(value: number): number {
  if (!(value > 0) || value === Infinity) return Math.log2(value);
  const [fraction, exponent] = fractionAndExponent(value);
  // Exact for powers of two.
  if (fraction === 0.5) return exponent - 1;
  return exponent + Math.log(fraction) * (1 / Math.LN2);
}

/** Logarithm to base 10 as Go computes it, from the one to base 2: of 1000 it is one bit less than 3. */
export function log10(value: number): number {
  return log2(value) * (Math.LN2 / Math.LN10);
}

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
