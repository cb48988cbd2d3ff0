/**
 * Prediction from another series: where two series of a page move together, as the buckets of a histogram do, only the
 * difference to what the one makes expect of the other is kept.
 */

/** The factor is a multiple of this part. */
const FACTOR_ONE = 1 << 16;
/** Greater residuals are not exact. */
export const MAX_RESIDUAL = 2 ** 52;
const MAX_FACTOR = 64 * FACTOR_ONE;
/** Greater steps of the other series predict nothing; nor do NaNs. */
const MAX_STEP = 2 ** 44;
/** How many of the newest series are tried. */
const CANDIDATES = 8;
/** How many samples a first look takes. */
const LOOKED_AT = 24;
/** A candidate must take away this share of the distances in the first look. */
const PROMISING = 0.6;
/** Where no more than this share is left, no other candidate is tried. */
const GOOD = 0.2;

interface Candidate {
  series: number;
  pattern: number;
  count: number;
  values: Float64Array;
}

/**
 * What a series does from sample to sample, less what `reference` makes expect: `residuals[0]` is 0, and each other is
 * `step - round(factor * reference step)`. Returns the greatest of their magnitudes.
 */
export function toResiduals(
  entries: Float64Array,
  reference: Float64Array,
  count: number,
  factor: number,
  residuals: Float64Array,
): number {
  residuals[0] = 0;
  let greatest = 0;
  for (let i = 1; i < count; i++) {
    const residual = entries[i]! - entries[i - 1]! - expectedStep(reference[i]! - reference[i - 1]!, factor);
    residuals[i] = residual;
    if (residual > greatest) greatest = residual;
    else if (-residual > greatest) greatest = -residual;
  }
  return greatest;
}

/** Turns the residuals in `target[at…]` back into entries, in place. */
export function fromResiduals(
  target: Float64Array,
  at: number,
  count: number,
  reference: Float64Array,
  factor: number,
): void {
  let entry = target[at]!;
  for (let i = 1; i < count; i++) {
    entry += target[at + i]! + expectedStep(reference[i]! - reference[i - 1]!, factor);
    target[at + i] = entry;
  }
}

function expectedStep(step: number, factor: number): number {
  return step < MAX_STEP && step > -MAX_STEP ? Math.floor((step * factor) / FACTOR_ONE + 0.5) : 0;
}

/** The series of a page that others may be predicted from. */
export class Predictor {
  readonly #ring: Candidate[] = [];
  #next = 0;
  #lastUsed = 0;
  /** The answer of {@link find}. */
  factor = 0;

  clear(): void {
    for (const candidate of this.#ring) candidate.series = -1;
    this.#next = 0;
    this.#lastUsed = 0;
  }

  /** Offers a series that is not predicted itself. */
  add(series: number, pattern: number, values: Float64Array, count: number): void {
    let candidate = this.#ring[this.#next];
    if (candidate === undefined) {
      this.#ring.push((candidate = { series, pattern, count, values: new Float64Array(Math.max(count, 512)) }));
    }
    if (candidate.values.length < count) candidate.values = new Float64Array(count);
    candidate.series = series;
    candidate.pattern = pattern;
    candidate.count = count;
    for (let i = 0; i < count; i++) candidate.values[i] = values[i]!;
    this.#next = (this.#next + 1) % CANDIDATES;
  }

  /** The most promising series to predict `entries` from, and its factor in `factor`. */
  find(pattern: number, entries: Float64Array, count: number): Candidate | undefined {
    const stride = Math.max(1, Math.floor((count - 1) / LOOKED_AT));
    const own = ownDistance(entries, count, stride);
    const ring = this.#ring;
    let best: Candidate | undefined;
    let least = PROMISING * own;
    for (let i = 0; i < ring.length && least > GOOD * own; i++) {
      // The one that served last comes first.
      const place = (this.#lastUsed + i) % ring.length;
      const candidate = ring[place]!;
      if (candidate.series < 0 || candidate.pattern !== pattern || candidate.count !== count) continue;
      const factor = fitFactor(entries, candidate.values, count, stride);
      if (factor <= 0 || factor > MAX_FACTOR) continue;
      const distance = residualDistance(entries, candidate.values, count, stride, factor, least);
      if (distance >= least) continue;
      least = distance;
      best = candidate;
      this.#lastUsed = place;
      this.factor = factor;
    }
    if (best !== undefined && stride > 1) {
      const factor = fitFactor(entries, best.values, count, 1);
      if (factor > 0 && factor <= MAX_FACTOR) this.factor = factor;
    }
    return best;
  }
}

function ownDistance(entries: Float64Array, count: number, stride: number): number {
  let sum = 0;
  let looked = 0;
  for (let i = stride; i < count; i += stride) {
    sum += entries[i]! - entries[i - 1]!;
    looked++;
  }
  const mean = sum / looked;
  let distance = 0;
  for (let i = stride; i < count; i += stride) distance += Math.abs(entries[i]! - entries[i - 1]! - mean);
  return distance;
}

/** Least squares. */
function fitFactor(entries: Float64Array, reference: Float64Array, count: number, stride: number): number {
  let product = 0;
  let square = 0;
  for (let i = stride; i < count; i += stride) {
    const step = reference[i]! - reference[i - 1]!;
    if (!(step < MAX_STEP && step > -MAX_STEP)) continue;
    product += step * (entries[i]! - entries[i - 1]!);
    square += step * step;
  }
  return square === 0 ? 0 : Math.round((product / square) * FACTOR_ONE);
}

function residualDistance(
  entries: Float64Array,
  reference: Float64Array,
  count: number,
  stride: number,
  factor: number,
  enough: number,
): number {
  let distance = 0;
  for (let i = stride; i < count && distance < enough; i += stride) {
    const expected = expectedStep(reference[i]! - reference[i - 1]!, factor);
    distance += Math.abs(entries[i]! - entries[i - 1]! - expected);
  }
  return distance;
}
