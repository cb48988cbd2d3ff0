/**
 * Whole multiples of one step, as doubles: shares and percentages of a fixed whole, ticks times the length of a tick, units
 * that were converted. Such values fill the mantissa, and yet only the multiples are news:
 *
 *     value = offset + multiple * step        (in doubles, so not always the last bit: that is a correction)
 */

/** Fewer values do not tell their step. */
const FEWEST_VALUES = 32;
/** The step is at least so many times the rounding error of a difference: otherwise nothing is won. */
const LEAST_STEP = 16;
/** How many of the smallest differences must agree about a step. */
const SMALLEST_DIFFERENCES = 8;
/** A difference may be off a multiple by this part of the step. */
const STRAY = 0.3;
const MAX_MULTIPLE = 2 ** 50;
/** What is further off is no rounding. */
const MAX_CORRECTION = 2 ** 20;
const EPSILON = 2 ** -52;
const TWO_32 = 2 ** 32;

/** Finds the step of values. Scratch memory is kept. */
export class MultiplesFinder {
  #sorted = new Float64Array(0);
  /** The answers of {@link find}. */
  offset = 0;
  step = 0;

  /**
   * Looks for a step that all finite values are multiples of, apart from an offset and from rounding, and puts the
   * multiples into `multiples`, never -0; a value that is not finite takes the one before. False where there is none.
   */
  find(values: Float64Array, count: number, multiples: Float64Array): boolean {
    if (this.#sorted.length < count) this.#sorted = new Float64Array(count * 2);
    let found = 0;
    for (let i = 0; i < count; i++) if (Number.isFinite(values[i]!)) this.#sorted[found++] = values[i]!;
    if (found < FEWEST_VALUES) return false;
    const sorted = this.#sorted.subarray(0, found).sort();
    const least = sorted[0]!;
    const rounding = EPSILON * Math.max(Math.abs(least), Math.abs(sorted[found - 1]!));
    if (rounding === 0) return false;
    const rough = roughStep(sorted, 2 * rounding);
    const step = rough === undefined ? 0 : refineStep(sorted, rough);
    if (!(step > 0)) return false;
    let before = 0;
    for (let i = 0; i < count; i++) {
      if (Number.isFinite(values[i]!)) before = Math.round((values[i]! - least) / step) + 0;
      multiples[i] = before;
    }
    this.#fit(values, count, multiples, least, step);
    this.#countFromZero(values, count, multiples, rounding);
    // Their sums may be too large. What a NaN's bits are is not the same everywhere.
    return Number.isFinite(this.step) && Number.isFinite(this.offset);
  }

  /** Least squares. */
  #fit(values: Float64Array, count: number, multiples: Float64Array, least: number, step: number): void {
    let finite = 0;
    let sumMultiples = 0;
    let sumRests = 0;
    for (let i = 0; i < count; i++) {
      if (!Number.isFinite(values[i]!)) continue;
      finite++;
      sumMultiples += multiples[i]!;
      sumRests += values[i]! - least - multiples[i]! * step;
    }
    const meanMultiple = sumMultiples / finite;
    const meanRest = sumRests / finite;
    let product = 0;
    let square = 0;
    for (let i = 0; i < count; i++) {
      if (!Number.isFinite(values[i]!)) continue;
      const distance = multiples[i]! - meanMultiple;
      product += distance * (values[i]! - least - multiples[i]! * step - meanRest);
      square += distance * distance;
    }
    const slope = product / square;
    this.step = step + slope;
    this.offset = least + (meanRest - slope * meanMultiple);
  }

  /** Leaves out the offset where it is a multiple itself. */
  #countFromZero(values: Float64Array, count: number, multiples: Float64Array, rounding: number): void {
    const first = Math.round(this.offset / this.step);
    if (Math.abs(first) > MAX_MULTIPLE || Math.abs(this.offset - first * this.step) > 4 * rounding) return;
    let product = 0;
    let square = 0;
    for (let i = 0; i < count; i++) {
      const multiple = multiples[i]! + first;
      multiples[i] = multiple;
      if (!Number.isFinite(values[i]!)) continue;
      product += multiple * values[i]!;
      square += multiple * multiple;
    }
    this.offset = 0;
    this.step = product / square;
  }
}

interface RoughStep {
  readonly step: number;
  /** Of how many steps it was taken: so much more exact it is than a difference. */
  readonly steps: number;
}

/** The greatest step that the smallest differences are multiples of. `error` is that of a difference. */
function roughStep(sorted: Float64Array, error: number): RoughStep | undefined {
  const smallest = smallestDifferences(sorted, LEAST_STEP * error);
  const shortest = smallest[0];
  if (shortest === undefined) return undefined;
  let steps = 1;
  let step = shortest;
  let stepError = error;
  for (const difference of smallest) {
    const divisor = commonDivisor(difference, step, error, stepError);
    if (divisor < LEAST_STEP * error) return undefined;
    const most = Math.round(shortest / divisor);
    if (most <= steps) continue;
    steps = most;
    step = shortest / steps;
    stepError = error / steps;
  }
  return { step, steps };
}

/** In ascending order. */
function smallestDifferences(sorted: Float64Array, least: number): number[] {
  const smallest: number[] = [];
  for (let i = 1; i < sorted.length; i++) {
    const difference = sorted[i]! - sorted[i - 1]!;
    if (difference < least) continue;
    if (smallest.length === SMALLEST_DIFFERENCES) {
      if (difference >= smallest[SMALLEST_DIFFERENCES - 1]!) continue;
      smallest.pop();
    }
    let place = smallest.length;
    while (place > 0 && smallest[place - 1]! > difference) place--;
    smallest.splice(place, 0, difference);
  }
  return smallest;
}

/** Euclid's algorithm for numbers with errors: a rest within its error is none. 0 where the errors grow too large. */
function commonDivisor(a: number, b: number, aError: number, bError: number): number {
  const greater: number[] = [];
  while (b > 2 * bError) {
    greater.push(a);
    const times = Math.round(a / b);
    const rest = Math.abs(a - times * b);
    const restError = aError + times * bError;
    a = b;
    aError = bError;
    b = rest;
    bError = restError;
  }
  if (a <= 3 * aError) return 0;
  // The last rest has the greatest error; the numbers before it tell the divisor ever more exactly.
  let divisor = a;
  for (let i = greater.length - 1; i >= 0; i--) divisor = greater[i]! / Math.round(greater[i]! / divisor);
  return divisor;
}

/** Takes ever greater differences, which tell the step ever more exactly; 0 where one does not fit. */
function refineStep(sorted: Float64Array, rough: RoughStep): number {
  const differences = new Float64Array(sorted.length);
  for (let i = 1; i < sorted.length; i++) differences[i] = sorted[i]! - sorted[i - 1]!;
  differences.sort();
  let { step, steps } = rough;
  let all = 0;
  for (const difference of differences) {
    const times = Math.round(difference / step);
    if (Math.abs(difference - times * step) > step * STRAY) return 0;
    all += times;
    if (times <= steps) continue;
    steps = times;
    step = difference / times;
  }
  return all > 1 && all < MAX_MULTIPLE ? (sorted[sorted.length - 1]! - sorted[0]!) / all : 0;
}

const approximation = new Float64Array(1);
const approximated = new Uint32Array(approximation.buffer);

/**
 * The distances from what the multiples make to the values (`words`: low half, high half, …), in units of the last place.
 * A value that is too far takes the one before, and its index goes to `exceptions`; returns their number, or -1 where
 * they are more than `mostExceptions`.
 */
export function toCorrections(
  words: Uint32Array,
  multiples: Float64Array,
  count: number,
  { offset, step }: MultiplesFinder,
  corrections: Float64Array,
  exceptions: Uint32Array,
  mostExceptions: number,
): number {
  let found = 0;
  let before = 0;
  for (let i = 0; i < count; i++) {
    approximation[0] = offset + multiples[i]! * step;
    const correction = (words[2 * i + 1]! - approximated[1]!) * TWO_32 + (words[2 * i]! - approximated[0]!);
    if (Math.abs(correction) < MAX_CORRECTION) before = correction;
    else if (found === mostExceptions) return -1;
    else exceptions[found++] = i;
    corrections[i] = before;
  }
  return found;
}

/** Makes values of multiples in `target[at…]`, each `first` more than its entry, in place. */
export function fromMultiples(
  target: Float64Array,
  at: number,
  count: number,
  offset: number,
  step: number,
  first: number,
): void {
  const end = at + count;
  for (let i = at; i < end; i++) target[i] = offset + (target[i]! + first) * step;
}

/** Adds integers to the bits of doubles: the distance in units of the last place. */
export function addCorrections(
  target: Float64Array,
  at: number,
  count: number,
  corrections: Float64Array,
  first: number,
): void {
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, count * 2);
  for (let i = 0; i < count; i++) {
    const correction = corrections[i]! + first;
    if (correction === 0) continue;
    const low = words[2 * i]! + correction;
    words[2 * i] = low;
    words[2 * i + 1] = words[2 * i + 1]! + Math.floor(low / TWO_32);
  }
}
