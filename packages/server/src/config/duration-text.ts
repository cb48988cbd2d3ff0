/** Milliseconds of each unit, in the order in which Prometheus wants them written. */
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]);

/** Prometheus keeps durations in 64-bit nanoseconds. */
export const LONGEST_DURATION_MS = 9_223_372_036_854;

/** The years and weeks of a printed duration must divide it; 8 days are `8d`, not `1w1d`. */
const EXACT_UNITS = new Set(['y', 'w']);

/**
 * Reads a duration as Prometheus' configuration writes it: `1h30m`, `90s`, `0`.
 * @returns milliseconds
 * @throws RangeError in Prometheus' words
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new RangeError('empty duration string');
  const invalid = () => new RangeError(`not a valid duration string: ${JSON.stringify(text)}`);
  const units = [...UNITS_MS.keys()];
  let durationMs = 0;
  let lastUnit = -1;
  let rest = text;
  while (rest !== '') {
    const part = /^([0-9]+)([^0-9]+)/.exec(rest);
    if (part === null) throw invalid();
    const [whole, digits, unit] = part as unknown as [string, string, string];
    const index = units.indexOf(unit);
    if (index < 0) {
      throw new RangeError(`unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    if (index <= lastUnit) throw invalid();
    lastUnit = index;
    durationMs += Number(digits) * UNITS_MS.get(unit)!;
    if (durationMs > LONGEST_DURATION_MS) throw new RangeError('duration out of range');
    rest = rest.slice(whole.length);
  }
  return durationMs;
}

/** Writes milliseconds as Prometheus prints a duration: `90000` as `1m30s`. */
export function printDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let text = durationMs < 0 ? '-' : '';
  let restMs = Math.abs(Math.round(durationMs));
  for (const [unit, unitMs] of UNITS_MS) {
    if (EXACT_UNITS.has(unit) && restMs % unitMs !== 0) continue;
    const count = Math.floor(restMs / unitMs);
    if (count === 0) continue;
    text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text;
}
