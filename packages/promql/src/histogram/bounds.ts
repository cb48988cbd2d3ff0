/** Schema of histograms whose bucket bounds are listed in `customValues`. */
export const CUSTOM_BUCKETS_SCHEMA = -53;

export function usesCustomBuckets(schema: number): boolean {
  return schema === CUSTOM_BUCKETS_SCHEMA;
}

const finestSchema = 8;

/** `2^(i / 256)` for i = 0…255, each correctly rounded. */
const fractionalPowers = computeFractionalPowers(1 << finestSchema);

/**
 * Upper bound of the bucket with `index` in a standard exponential schema (-4…8): `2^(index * 2^-schema)`. The bucket
 * whose bound would be 2^1024 ends at the largest finite number; the one after it holds infinities.
 */
export function exponentialBound(index: number, schema: number): number {
  const bucketsPerPower = 2 ** schema;
  const exponent = Math.floor(index / bucketsPerPower);
  const fraction = (index - exponent * bucketsPerPower) * 2 ** (finestSchema - schema);
  if (schema >= 0) return scaled(fractionalPowers[fraction]!, exponent, index);
  return scaled(1, index * 2 ** -schema, index);
}

function scaled(fraction: number, exponent: number, index: number): number {
  if (exponent === 1024 && fraction === 1) return Number.MAX_VALUE;
  if (exponent > 1023) return index > 0 ? Number.POSITIVE_INFINITY : 0;
  if (exponent >= -1022) return fraction * 2 ** exponent;
  return fraction * 2 ** -1022 * 2 ** (exponent + 1022);
}

/** Upper bound of a custom bucket; the last bucket, after all `customValues`, ends at +Inf. Index -1 starts at -Inf. */
export function customBound(index: number, customValues: Float64Array): number {
  if (index < 0) return Number.NEGATIVE_INFINITY;
  return index < customValues.length ? customValues[index]! : Number.POSITIVE_INFINITY;
}

/** Index, at a coarser schema, of the bucket that contains the bucket `index` of a finer one. */
export function coarserIndex(index: number, fromSchema: number, toSchema: number): number {
  return Math.ceil(index / 2 ** (fromSchema - toSchema));
}

/** Repeated integer square roots of 2 at 160 bits give each power exactly enough to round it once. */
function computeFractionalPowers(count: number): Float64Array {
  const bits = 160n;
  const one = 1n << bits;
  let root = one << 1n;
  for (let n = count; n > 1; n /= 2) root = integerSquareRoot(root << bits);
  const powers = new Float64Array(count);
  let power = one;
  for (let i = 0; i < count; i++) {
    powers[i] = Number(power >> (bits - 52n - 8n)) / 2 ** 60;
    power = (power * root) >> bits;
  }
  return powers;
}

function integerSquareRoot(value: bigint): bigint {
  let guess = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}
