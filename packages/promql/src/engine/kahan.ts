/**
 * Neumaier's compensated summation, as Prometheus does it. The sum and its compensation live in a caller's array, so
 * that hot loops allocate nothing: `state[at]` is the sum, `state[at + 1]` the compensation.
 */
export function kahanAdd(state: Float64Array, at: number, increment: number): void {
  const sum = state[at]!;
  const next = sum + increment;
  if (next === Infinity || next === -Infinity) state[at + 1] = 0;
  else if (Math.abs(sum) >= Math.abs(increment)) state[at + 1]! += sum - next + increment;
  else state[at + 1]! += increment - next + sum;
  state[at] = next;
}

/** The value of a compensated sum. */
export function kahanValue(state: Float64Array, at: number): number {
  const sum = state[at]!;
  return sum === Infinity || sum === -Infinity ? sum : sum + state[at + 1]!;
}

/**
 * Compensated mean that survives overflow of the sum: `state[at]` sum or mean, `state[at + 1]` compensation,
 * `state[at + 2]` count, `state[at + 3]` 1 once the mean is kept incrementally.
 */
export function meanAdd(state: Float64Array, at: number, value: number): void {
  const count = state[at + 2]! + 1;
  state[at + 2] = count;
  if (state[at + 3] === 0) {
    const sum = state[at]!;
    const next = sum + value;
    const overflow = next === Infinity || next === -Infinity;
    if (count === 1 || !overflow) {
      if (overflow) state[at + 1] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) state[at + 1]! += sum - next + value;
      else state[at + 1]! += value - next + sum;
      state[at] = next;
      return;
    }
    state[at + 3] = 1;
    state[at] = sum / (count - 1);
    state[at + 1]! /= count - 1;
  }
  const weight = (count - 1) / count;
  state[at]! *= weight;
  state[at + 1]! *= weight;
  kahanAdd(state, at, value / count);
}

export function meanValue(state: Float64Array, at: number): number {
  if (state[at + 3] === 1) return state[at]! + state[at + 1]!;
  const count = state[at + 2]!;
  return state[at]! / count + state[at + 1]! / count;
}
