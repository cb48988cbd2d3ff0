import { quote } from './go-strings.ts';

const MS = 1;
const SECOND = 1000 * MS;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units from the largest to the smallest, in milliseconds; a duration names them in this order. */
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * DAY],
  ['w', 7 * DAY],
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', MS],
];

const UNIT_ORDER: ReadonlyMap<string, number> = new Map(UNITS.map(([unit], order) => [unit, order]));

/** Nanoseconds fit in 63 bits: about 292 years. */
const MAX_MS = 9_223_372_036_854;

/** Why a text is not a duration, in Prometheus' words. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
}

/**
 * Milliseconds of a Prometheus duration: `5m`, `1h30m`, `0`. Units go from large to small, each at most once.
 * @throws DurationError
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new DurationError('empty duration string');
  let totalMs = 0;
  let lastOrder = -1;
  for (let pos = 0; pos < text.length; ) {
    const [, digits, unit] = /^([0-9]*)([^0-9]*)/.exec(text.slice(pos))!;
    if (digits === '' || unit === '' || Number(digits) > 2 ** 64) throw invalid(text);
    const order = UNIT_ORDER.get(unit!);
    if (order === undefined) throw new DurationError(`unknown unit ${quote(unit!)} in duration ${quote(text)}`);
    if (order <= lastOrder) throw invalid(text);
    lastOrder = order;
    totalMs += Number(digits) * UNITS[order]![1];
    if (totalMs > MAX_MS) throw new DurationError('duration out of range');
    pos += digits!.length + unit!.length;
  }
  return totalMs;
}

function invalid(text: string): DurationError {
  return new DurationError(`not a valid duration string: ${quote(text)}`);
}

/**
 * The shortest Prometheus duration for milliseconds, fractions of a millisecond cut off; `0s` for none. Years and
 * weeks appear only where nothing remains, since `90d` reads better than `12w6d`. A negative one has a leading `-`.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  let rest = Math.trunc(ms);
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    if (unitMs > DAY && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}
