import { parseDuration } from '../durations.ts';
import { unquote } from '../go-strings.ts';
import { addHistograms, combineHints, subtractHistograms } from '../histogram/arithmetic.ts';
import { usesCustomBuckets } from '../histogram/bounds.ts';
import type { FloatHistogram } from '../histogram.ts';
import { type Labels, labelsFromEntries } from '../labels.ts';
import { parseNumber } from '../numbers.ts';
import { parseHistogram } from './parse-histogram.ts';
import { type Point, ScriptError, type SeriesDescription } from './script.ts';

/** Reads a series line: a metric, then its points. */
export function parseSeries(text: string, line: number): SeriesDescription {
  const scanner: Scanner = { text, at: 0, line };
  const labels = readMetric(scanner);
  return { labels, points: readPoints(scanner), line };
}

/** The start timestamps of a series: offsets from the times of its samples in milliseconds. */
export interface StartTimes {
  readonly labels: Labels;
  readonly offsetsMs: readonly (number | undefined)[];
  readonly line: number;
}

/** Whether a line of a load has start timestamps: its first word ends in `@st`. */
export function isStartLine(text: string): boolean {
  return /^\S*@st\s/.test(text);
}

/** Reads an `@st` line. */
export function parseStartTimes(text: string, line: number): StartTimes {
  const [metric, ...items] = text.split(/\s+/) as [string, ...string[]];
  const { labels } = parseSeries(`${metric.slice(0, -'@st'.length)} _`, line);
  const offsetsMs: (number | undefined)[] = [];
  for (const item of items) {
    const blank = /^_(?:x(\d+))?$/.exec(item);
    const match = START.exec(item);
    if (blank?.[1] !== undefined && Number(blank[1]) === 0) throw badStart(item, line);
    if (blank !== null) for (let i = 0; i < Number(blank[1] ?? 1); i++) offsetsMs.push(undefined);
    else if (match === null) throw badStart(item, line);
    else {
      const [, sign, base, by, incrementSign, increment = '0', times = '0'] = match;
      const signs = [sign, by, incrementSign].map((one) => (one === '-' ? -1 : 1));
      let offset = signs[0]! * startDuration(base!, item, line);
      const step = signs[1]! * signs[2]! * startDuration(increment, item, line);
      for (let i = 0; i <= Number(times); i++, offset += step) offsetsMs.push(offset);
    }
  }
  return { labels, offsetsMs, line };
}

const DURATION = '\\d+[a-wyzA-Z]*';
/** A duration, or one with a step and how often: `-1m`, `-1mx3`, `-1m+30sx3`. */
const START = new RegExp(`^([+-]?)(${DURATION})(?:(?:([+-])([+-]?)(${DURATION}))?x(\\d+))?$`);

function badStart(item: string, line: number): ScriptError {
  return new ScriptError(line, `bad start timestamp "${item}"`);
}

function startDuration(text: string, item: string, line: number): number {
  try {
    return parseDuration(text);
  } catch {
    throw badStart(item, line);
  }
}

interface Scanner {
  readonly text: string;
  readonly line: number;
  at: number;
}

function skipSpace(scanner: Scanner): void {
  while (/\s/.test(scanner.text[scanner.at] ?? '')) scanner.at++;
}

function take(scanner: Scanner, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = scanner.at;
  const match = pattern.exec(scanner.text) ?? undefined;
  if (match !== undefined) scanner.at += match[0].length;
  return match;
}

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y;
const ESCAPES = /\\(?:[abfnrtv\\"']|x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/g;

/** Words of the query language that Prometheus does not take for a metric here. */
const RESERVED = /^(?:on|ignoring|group_left|group_right|bool|atan2|nan|inf)$/i;

function readMetric(scanner: Scanner): Labels {
  const labels = new Map<string, string>();
  const name = take(scanner, METRIC_NAME)?.[0];
  if (name !== undefined && RESERVED.test(name)) throw new ScriptError(scanner.line, `"${name}" is not a metric`);
  if (scanner.text[scanner.at] === '{' && scanner.text[scanner.at + 1] !== '{') {
    scanner.at++;
    readLabels(scanner, labels, name !== undefined);
  }
  if (scanner.at === 0) throw new ScriptError(scanner.line, `expected a metric, found "${scanner.text}"`);
  // A name before the braces wins over one inside of them.
  if (name !== undefined) labels.set('__name__', name);
  if (!/^(?:\s|$)/.test(scanner.text.slice(scanner.at)))
    throw new ScriptError(scanner.line, `expected a space after the metric in "${scanner.text}"`);
  return labelsFromEntries([...labels]);
}

function readLabels(scanner: Scanner, labels: Map<string, string>, isNamed: boolean): void {
  const fail = (what: string) => new ScriptError(scanner.line, `${what} in "${scanner.text}"`);
  skipSpace(scanner);
  while (!take(scanner, /\}/y)) {
    const quoted = take(scanner, QUOTED)?.[0];
    const name = quoted === undefined ? take(scanner, LABEL_NAME)?.[0] : unquoted(quoted, scanner);
    if (name === undefined) throw fail('bad label');
    skipSpace(scanner);
    const [key, value] = take(scanner, /=/y) ? [name, readLabelValue(scanner)] : ['__name__', name];
    if (quoted === undefined && key !== name) throw fail(`label "${name}" without a value`);
    if (labels.has(key)) throw fail(`label "${key}" twice`);
    if (key !== '__name__' || !isNamed) labels.set(key, value);
    skipSpace(scanner);
    if (take(scanner, /,/y)) skipSpace(scanner);
    else if (scanner.text[scanner.at] !== '}') throw fail('expected "," or "}" after a label');
  }
}

function readLabelValue(scanner: Scanner): string {
  skipSpace(scanner);
  const value = take(scanner, QUOTED)?.[0];
  if (value === undefined) throw new ScriptError(scanner.line, `bad label value in "${scanner.text}"`);
  return unquoted(value, scanner);
}

function unquoted(text: string, { line }: Scanner): string {
  if (!text.startsWith('`') && text.replace(ESCAPES, '').includes('\\'))
    throw new ScriptError(line, `unknown escape sequence in ${text}`);
  return unquote(text);
}

const NUMBER = '(?:inf|nan|(?:\\d[\\d_]*(?:\\.[\\d_]*)?|\\.\\d[\\d_]*)(?:e[+-]?\\d+)?)';
const BLANK = /_(?:x(\d+))?(?=\s|$)/y;
const STALE = /stale(?=\s|$)/y;
/** To a staleness marker something is added, which makes NaN of it. */
const STALE_FIRST = new RegExp(`stale[+-]${NUMBER}x(\\d+)(?=\\s|$)`, 'y');
const FLOATS = new RegExp(`([+-]?)(${NUMBER})(?:([+-])(${NUMBER})(?=x\\d))?`, 'iy');
const TIMES = /(?:x(\d+))?(?=\s|$)/y;
const REQUIRED_TIMES = /x(\d+)(?=\s|$)/y;
const HISTOGRAM = /\{\{(.*?)\}\}/y;

/** More points than this are a typing error, not a test. */
const MAX_REPETITIONS = 10_000_000;

function readPoints(scanner: Scanner): Point[] {
  const points: Point[] = [];
  for (;;) {
    skipSpace(scanner);
    if (scanner.at >= scanner.text.length) return points;
    const blank = take(scanner, BLANK);
    const histogram = blank === undefined ? take(scanner, HISTOGRAM) : undefined;
    let staleFirst: RegExpExecArray | undefined;
    if (blank !== undefined) for (let i = repetitions(blank, scanner, 1); i > 0; i--) points.push(undefined);
    else if (histogram !== undefined) readHistograms(scanner, histogram[1]!, points);
    else if (take(scanner, STALE)) points.push({ kind: 'float', value: Number.NaN, stale: true });
    else if ((staleFirst = take(scanner, STALE_FIRST))) {
      points.push({ kind: 'float', value: Number.NaN, stale: true });
      for (let i = repetitions(staleFirst, scanner, 0); i > 0; i--) {
        points.push({ kind: 'float', value: Number.NaN, stale: false });
      }
    } else readFloats(scanner, points);
  }
}

/** How often `x` says; `otherwise` where it is not there. */
function repetitions(match: RegExpExecArray | undefined, { line }: Scanner, otherwise: number): number {
  if (match?.[1] === undefined) return otherwise;
  const times = Number(match[1]);
  if (times > MAX_REPETITIONS) throw new ScriptError(line, `x${match[1]}: at most ${MAX_REPETITIONS} repetitions`);
  return times;
}

function readFloats(scanner: Scanner, points: Point[]): void {
  const { text, at, line } = scanner;
  const match = take(scanner, FLOATS);
  const times = match && take(scanner, TIMES);
  // A word ends at a space: `NaNx3` is one.
  const isWord = /^(?:inf|nan)$/i.test(match?.[4] ?? match?.[2] ?? '') && times?.[1] !== undefined;
  if (match === undefined || times === undefined || isWord)
    throw new ScriptError(line, `bad point in "${text.slice(at)}"`);
  let value = numberOf(match[2]!, line) * (match[1] === '-' ? -1 : 1);
  const step = match[4] === undefined ? 0 : numberOf(match[4], line) * (match[3] === '-' ? -1 : 1);
  for (let i = repetitions(times, scanner, 0); i >= 0; i--) {
    points.push({ kind: 'float', value, stale: false });
    if (step !== 0) value += step;
  }
}

function numberOf(text: string, line: number): number {
  const number = parseNumber(text);
  if ('error' in number) throw new ScriptError(line, number.error);
  return number.value;
}

function readHistograms(scanner: Scanner, body: string, points: Point[]): void {
  const { text, line } = scanner;
  const { histogram, hintGiven } = parseHistogram(body, line);
  const sign = take(scanner, /[+-](?=\{\{)/y)?.[0];
  const increment = sign === undefined ? undefined : take(scanner, HISTOGRAM);
  const match = take(scanner, sign === undefined ? TIMES : REQUIRED_TIMES);
  if (match === undefined) throw new ScriptError(line, `bad point in "${text.slice(scanner.at)}"`);
  const times = repetitions(match, scanner, 0);
  if (increment === undefined) {
    for (let i = 0; i <= times; i++) points.push({ kind: 'histogram', histogram, hintGiven });
    return;
  }
  const step = parseHistogram(increment[1]!, line).histogram;
  if (step.schema < histogram.schema && !usesCustomBuckets(step.schema))
    throw new ScriptError(line, `histograms of schema ${step.schema} cannot be added to schema ${histogram.schema}`);
  let current: FloatHistogram = histogram;
  for (let i = 0; i <= times; i++) {
    points.push({ kind: 'histogram', histogram: current, hintGiven });
    const combined = sign === '-' ? subtractHistograms(current, step) : addHistograms(current, step);
    if (combined === undefined) throw new ScriptError(line, 'histograms with different kinds of buckets');
    const { hint } = combineHints(current.counterResetHint, step.counterResetHint);
    current = { ...combined.histogram, counterResetHint: hint };
  }
}
