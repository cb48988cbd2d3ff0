/** Float functions of one value. */
export const mathFunctions: ReadonlyMap<string, (x: number) => number> = new Map([
  ['abs', Math.abs],
  ['acos', Math.acos],
  ['acosh', Math.acosh],
  ['asin', Math.asin],
  ['asinh', Math.asinh],
  ['atan', Math.atan],
  ['atanh', Math.atanh],
  ['ceil', Math.ceil],
  ['cos', Math.cos],
  ['cosh', Math.cosh],
  ['deg', (x: number) => (x * 180) / Math.PI],
  ['exp', Math.exp],
  ['floor', Math.floor],
  ['ln', Math.log],
  ['log10', Math.log10],
  ['log2', Math.log2],
  ['rad', (x: number) => (x * Math.PI) / 180],
  ['sgn', Math.sign],
  ['sin', Math.sin],
  ['sinh', Math.sinh],
  ['sqrt', Math.sqrt],
  ['tan', Math.tan],
  ['tanh', Math.tanh],
]);

const SECONDS_A_DAY = 86_400;

function date(seconds: number): Date {
  return new Date(Math.trunc(seconds) * 1000);
}

/** Functions of a Unix time in seconds, in UTC. */
export const dateFunctions: ReadonlyMap<string, (seconds: number) => number> = new Map([
  ['day_of_month', (seconds: number) => date(seconds).getUTCDate()],
  ['day_of_week', (seconds: number) => date(seconds).getUTCDay()],
  [
    'day_of_year',
    (seconds: number) => {
      const at = date(seconds);
      const newYear = Date.UTC(at.getUTCFullYear(), 0, 1) / 1000;
      return Math.floor((at.getTime() / 1000 - newYear) / SECONDS_A_DAY) + 1;
    },
  ],
  [
    'days_in_month',
    (seconds: number) => {
      const at = date(seconds);
      return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
    },
  ],
  ['hour', (seconds: number) => date(seconds).getUTCHours()],
  ['minute', (seconds: number) => date(seconds).getUTCMinutes()],
  ['month', (seconds: number) => date(seconds).getUTCMonth() + 1],
  ['year', (seconds: number) => date(seconds).getUTCFullYear()],
]);
