/** The greatest common divisor of `entries[1…count-1]`, integers; 1 where there is none. */
export function commonDivisor(entries: Float64Array, count: number): number {
  let divisor = 0;
  for (let i = 1; i < count; i++) {
    const entry = entries[i]!;
    if (divisor === 0) {
      divisor = Math.abs(entry);
    } else if (Math.floor(entry / divisor) * divisor !== entry) {
      divisor = greatest(divisor, Math.abs(entry));
    }
    if (divisor === 1) return 1;
  }
  return divisor === 0 ? 1 : divisor;
}

function greatest(a: number, b: number): number {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** `entries[i] = (entries[i] - first) / divisor`, all exact. */
export function reduce(entries: Float64Array, count: number, divisor: number): void {
  for (let i = 0; i < count; i++) entries[i] = entries[i]! / divisor;
}
