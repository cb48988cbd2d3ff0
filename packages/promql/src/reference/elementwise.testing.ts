import { exp, log, log2, log10 } from '../go-exponentials.ts';
import { acos, acosh, asin, asinh, atan, cos, cosh, sin, sinh, tan, tanh } from '../go-math.ts';

/** Go's math.Max: an infinity beats NaN. */
export function goMax(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** Go's math.Min: an infinity beats NaN. */
export function goMin(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Functions of a single float. */
export const elementwise: Readonly<Record<string, (x: number) => number>> = {
  abs: Math.abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos,
  cosh,
  deg: (x) => x * (180 / Math.PI),
  exp,
  floor: Math.floor,
  ln: log,
  log10,
  log2,
  rad: (x) => x * (Math.PI / 180),
  sgn: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  sin,
  sinh,
  sqrt: Math.sqrt,
  tan,
  tanh,
  day_of_month: (x) => civil(x).day,
  day_of_week: (x) => civil(x).weekday,
  day_of_year: (x) => civil(x).yearday,
  days_in_month: (x) => civil(x).monthLength,
  hour: (x) => civil(x).hour,
  minute: (x) => civil(x).minute,
  month: (x) => civil(x).month,
  year: (x) => civil(x).year,
};

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly yearday: number;
  readonly hour: number;
  readonly minute: number;
  readonly monthLength: number;
}

/** What Go makes of seconds that an int64 cannot hold. */
const BEYOND: Civil = {
  year: 292277026596,
  month: 12,
  day: 4,
  weekday: 0,
  yearday: 339,
  hour: 15,
  minute: 30,
  monthLength: 31,
};

const GREGORIAN_CYCLE_S = 146_097n * 86_400n;

/** The calendar in UTC: whole cycles of 400 years taken out, the rest is a Date. */
function civil(value: number): Civil {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) return BEYOND;
  const seconds = BigInt(Math.trunc(value));
  let cycles = seconds / GREGORIAN_CYCLE_S;
  if (cycles * GREGORIAN_CYCLE_S > seconds) cycles -= 1n;
  const date = new Date(Number(seconds - cycles * GREGORIAN_CYCLE_S) * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    year: year + Number(cycles) * 400,
    month: month + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    yearday: Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    monthLength: new Date(Date.UTC(year, month + 1, 0)).getUTCDate(),
  };
}
