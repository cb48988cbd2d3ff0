import {
  compileMatcher,
  type Matcher,
  ParseError,
  parseDuration,
  parseMetricSelector,
  quote,
  remembered,
} from '@opendata/promql';
import { HttpError } from '@opendata/server';
import { parseForm } from './form.ts';

/** Parameters of an API request, from the query string and, for POST, the form; with Prometheus' texts for faults. */
export class Parameters {
  readonly #query: URLSearchParams;
  readonly #form: URLSearchParams | undefined;
  /** What is wrong with a pair of the form or the query string, which then counts as absent. */
  readonly fault: string | undefined;

  constructor(url: string, body: unknown) {
    const at = url.indexOf('?');
    const query = parseForm(at < 0 ? '' : url.slice(at + 1));
    const form = typeof body === 'string' ? parseForm(body) : undefined;
    this.#query = query.values;
    this.#form = form?.values;
    this.fault = form?.fault ?? query.fault;
  }

  /** First value, the form's before the query string's; `''` where absent. */
  text(name: string): string {
    return this.#form?.get(name) ?? this.#query.get(name) ?? '';
  }

  all(name: string): string[] {
    return [...(this.#form?.getAll(name) ?? []), ...this.#query.getAll(name)];
  }

  /** A time in ms. @throws HttpError 400 */
  time(name: string, fallbackMs?: number): number {
    const text = this.text(name);
    if (text === '' && fallbackMs !== undefined) return fallbackMs;
    const timeMs = parseTime(text);
    if (timeMs === undefined) {
      // Prometheus says it twice where the parameter may be left out.
      const where = fallbackMs === undefined ? '' : `invalid time value for '${name}': `;
      throw invalid(name, `${where}cannot parse ${quote(text)} to a valid timestamp`);
    }
    return timeMs;
  }

  /** A duration in ms. @throws HttpError 400 */
  duration(name: string): number {
    return parseDurationMs(this.text(name), (message) => invalid(name, message));
  }

  /** A duration in ms, `undefined` where absent. @throws HttpError 400 */
  optionalDuration(name: string): number | undefined {
    return this.text(name) === '' ? undefined : this.duration(name);
  }

  /** 0: no limit. @throws HttpError 400 */
  limit(): number {
    const name = 'limit';
    const text = this.text(name);
    if (text === '') return 0;
    if (!/^[+-]?\d+$/.test(text)) throw invalid(name, `strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
    const limit = Number(text);
    if (!isInt64(text)) throw invalid(name, `strconv.Atoi: parsing ${quote(text)}: value out of range`);
    if (limit < 0) throw invalid(name, 'limit must be non-negative');
    return limit;
  }

  /** A whole number, `undefined` where absent. @throws HttpError 400 in the words of the older endpoints */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    if (!/^[+-]?\d+$/.test(text) || !isInt64(text)) throw badData(`${name} must be a number`);
    return Number(text);
  }

  /**
   * The matcher sets of `match[]`.
   * @param mayMatchAll whether a set may match series that have none of its labels
   * @throws what `fault` makes of the reason
   */
  matcherSets(fault: (message: string) => Error, mayMatchAll = false): (readonly Matcher[])[] {
    return this.all('match[]').map((selector) => {
      const { matchers, isSelective } = parseSelector(selector, fault);
      if (!mayMatchAll && !isSelective) throw fault('match[] must contain at least one non-empty matcher');
      return matchers;
    });
  }
}

interface ParsedSelector {
  readonly matchers: readonly Matcher[];
  /** Whether a matcher refuses series without its label. */
  readonly isSelective: boolean;
}

const parseSelectorRemembered = remembered((text): ParsedSelector => {
  const matchers = parseMetricSelector(text);
  return { matchers, isSelective: matchers.some((matcher) => !compileMatcher(matcher).matchesEmpty) };
});

/** @throws what `fault` makes of the reason why it is none */
function parseSelector(text: string, fault: (message: string) => Error): ParsedSelector {
  try {
    return parseSelectorRemembered(text);
  } catch (error) {
    if (error instanceof ParseError) throw fault(error.message);
    throw error;
  }
}

/** A `bad_data` answer about a parameter. */
export function invalid(name: string, message: string): HttpError {
  return badData(`invalid parameter ${quote(name)}: ${message}`);
}

export function badData(message: string): HttpError {
  return new HttpError(400, message, { code: 'bad_data' });
}

/** Of digits with a sign or none. Long ones are not converted, which would take seconds. */
function isInt64(digits: string): boolean {
  if (digits.replace(/^[+-]?0*/, '').length > 19) return false;
  const value = BigInt(digits.replace('+', ''));
  return BigInt.asIntN(64, value) === value;
}

/** Unix seconds as a decimal number, or RFC 3339, in ms. */
function parseTime(text: string): number | undefined {
  if (isDecimal(text)) {
    const seconds = toNumber(text);
    const whole = Math.trunc(seconds);
    const timeMs = whole * 1000 + Math.round((seconds - whole) * 1000);
    return Math.abs(timeMs) <= Number.MAX_SAFE_INTEGER ? timeMs : undefined;
  }
  const match = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return EXTREME_TIMES.get(text);
  const seconds = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}${match[8]}`);
  if (Number.isNaN(seconds) || Number(match[3]) > daysInMonth(Number(match[1]), Number(match[2]))) return undefined;
  return seconds + Math.floor(Number(match[7]?.replace(',', '.') ?? 0) * 1000);
}

/** What Prometheus' own clients send for "since ever" and "for ever". */
const EXTREME_TIMES: ReadonlyMap<string, number> = new Map([
  ['-292273086-05-16T16:47:06Z', Number.MIN_SAFE_INTEGER],
  ['292277025-08-18T07:12:54.999999999Z', Number.MAX_SAFE_INTEGER],
]);

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Seconds as a decimal number, or a duration such as `5m`, in ms. */
export function parseDurationMs(text: string, fault: (message: string) => Error): number {
  const isInfinite = /^[+-]?inf(?:inity)?$/i.test(text);
  const durationMs = isDecimal(text) ? toNumber(text) * 1000 : Number.NaN;
  // Decimal numbers too large for a float are none.
  if (Number.isFinite(durationMs) && Math.abs(durationMs) <= 9_223_372_036_854) return durationMs;
  if (isInfinite || Number.isFinite(durationMs) || /^nan$/i.test(text)) {
    throw fault(`cannot parse ${quote(text)} to a valid duration. It overflows int64`);
  }
  try {
    return parseDuration(text);
  } catch {
    throw fault(`cannot parse ${quote(text)} to a valid duration`);
  }
}

/** Underscores may separate digits. */
function isDecimal(text: string): boolean {
  return /^[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)([eE][+-]?\d+)?$/.test(text);
}

function toNumber(decimal: string): number {
  return Number(decimal.replaceAll('_', ''));
}
