/** Schema of histograms whose bucket bounds are listed in `customValues`. */
export const CUSTOM_BUCKETS_SCHEMA = -53;

export function usesCustomBuckets(schema: number): boolean {
  return schema === CUSTOM_BUCKETS_SCHEMA;
}

const finestSchema = 8;

/** `2^(i / 256)` for i = 0…255. */
const fractionalPowers = computeFractionalPowers();

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

/**
 * Products of repeated square roots of 2, the largest first. Prometheus' bounds are these, rounded step by step, the
 * root of 2 itself down; a bound that differs in its last bit would show in answers.
 */
function computeFractionalPowers(): Float64Array {
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: one bit below Math.SQRT2
  const roots = [1.414213562373095];
  for (let root = Math.sqrt(Math.SQRT2); roots.length < finestSchema; root = Math.sqrt(root)) roots.push(root);
  return Float64Array.from({ length: 1 << finestSchema }, (_, i) => {
    let power = 1;
    for (const [k, root] of roots.entries()) if (i & (1 << (finestSchema - 1 - k))) power *= root;
    return power;
  });
}
