import { exp, log, log2, log10 } from '../../go-exponentials.ts';
import { acos, acosh, asin, asinh, atan, cos, cosh, sin, sinh, tan, tanh } from '../../go-math.ts';

/** Go's `math.Max`: +Inf wins over NaN. */
export function maxOf(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** Go's `math.Min`: -Inf wins over NaN. */
export function minOf(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Float functions of one value. */
export const mathFunctions: ReadonlyMap<string, (x: number) => number> = new Map([
  ['abs', Math.abs],
  ['acos', acos],
  ['acosh', acosh],
  ['asin', asin],
  ['asinh', asinh],
  ['atan', atan],
  ['atanh', Math.atanh],
  ['ceil', Math.ceil],
  ['cos', cos],
  ['cosh', cosh],
  ['deg', (x: number) => x * (180 / Math.PI)],
  ['exp', exp],
  ['floor', Math.floor],
  ['ln', log],
  ['log10', log10],
  ['log2', log2],
  ['rad', (x: number) => x * (Math.PI / 180)],
  ['sgn', Math.sign],
  ['sin', sin],
  ['sinh', sinh],
  ['sqrt', Math.sqrt],
  ['tan', tan],
  ['tanh', tanh],
]);

const SECONDS_A_DAY = 86_400;

/** The Gregorian calendar repeats after 400 years. */
const SECONDS_A_CYCLE = 146_097 * SECONDS_A_DAY;

/** A time within the reach of `Date`, and how many whole cycles of 400 years later the real one is. */
interface Moment {
  readonly date: Date;
  readonly cycles: number;
}

/**
 * What Go makes of seconds that an int64 cannot hold, NaN among them: the smallest int64, which its calendar takes for
 * Sunday, 4 December 292277026596, 15:30.
 */
const BEYOND: Moment = { date: new Date(Date.UTC(1796, 11, 4, 15, 30, 8)), cycles: 730_692_562 };

function momentAt(value: number): Moment {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) return BEYOND;
  const seconds = Math.trunc(value);
  if (Math.abs(seconds) <= 8e12) return { date: new Date(seconds * 1000), cycles: 0 };
  const rest = ((seconds % SECONDS_A_CYCLE) + SECONDS_A_CYCLE) % SECONDS_A_CYCLE;
  return { date: new Date(rest * 1000), cycles: Math.round((seconds - rest) / SECONDS_A_CYCLE) };
}

function dayOfYear({ date }: Moment): number {
  const newYearMs = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - newYearMs) / 1000 / SECONDS_A_DAY) + 1;
}

function daysInMonth({ date }: Moment): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function ofMoment(compute: (moment: Moment) => number): (seconds: number) => number {
  return (seconds) => compute(momentAt(seconds));
}

/** Functions of a Unix time in seconds, in UTC. */
export const dateFunctions: ReadonlyMap<string, (seconds: number) => number> = new Map([
  ['day_of_month', ofMoment(({ date }) => date.getUTCDate())],
  ['day_of_week', ofMoment(({ date }) => date.getUTCDay())],
  ['day_of_year', ofMoment(dayOfYear)],
  ['days_in_month', ofMoment(daysInMonth)],
  ['hour', ofMoment(({ date }) => date.getUTCHours())],
  ['minute', ofMoment(({ date }) => date.getUTCMinutes())],
  ['month', ofMoment(({ date }) => date.getUTCMonth() + 1)],
  ['year', ofMoment(({ date, cycles }) => date.getUTCFullYear() + cycles * 400)],
]);
