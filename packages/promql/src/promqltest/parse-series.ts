import { unquote } from '../go-strings.ts';
import { addHistograms, subtractHistograms } from '../histogram/arithmetic.ts';
import type { FloatHistogram } from '../histogram.ts';
import { type Labels, labelsFromEntries } from '../labels.ts';
import { parseHistogram } from './parse-histogram.ts';
import { parseFloatText } from './parse-number.ts';
import { type Point, ScriptError, type SeriesDescription } from './script.ts';

/** Reads a series line: a metric, then its points. */
export function parseSeries(text: string, line: number): SeriesDescription {
  const scanner: Scanner = { text, at: 0, line };
  const labels = readMetric(scanner);
  return { labels, points: readPoints(scanner), line };
}

/** Reads an `@st` line: the metric and the start timestamps as offsets in milliseconds. */
export function parseStartTimes(
  text: string,
  line: number,
): { labels: Labels; offsetsMs: (number | undefined)[] } | undefined {
  const scanner: Scanner = { text, at: 0, line };
  const labels = readMetric(scanner);
  if (!text.startsWith('@st', scanner.at)) return undefined;
  const offsetsMs: (number | undefined)[] = [];
  for (const item of text
    .slice(scanner.at + 3)
    .trim()
    .split(/\s+/)) {
    const blank = /^_(?:x(\d+))?$/.exec(item);
    if (blank !== null) {
      for (let i = 0; i < Number(blank[1] ?? 1); i++) offsetsMs.push(undefined);
      continue;
    }
    const match = /^([+-]?[0-9a-z.]+?)(?:([+-][0-9a-z.]+?))?(?:x(\d+))?$/.exec(item);
    if (match === null) throw new ScriptError(line, `bad start timestamp "${item}"`);
    let offset = parseDurationMs(match[1]!, line);
    const increment = match[2] === undefined ? 0 : parseDurationMs(match[2], line);
    for (let i = 0; i <= Number(match[3] ?? 0); i++, offset += increment) offsetsMs.push(offset);
  }
  return { labels, offsetsMs };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Milliseconds of a Prometheus duration, or of a number of seconds; signed. */
export function parseDurationMs(text: string, line: number): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (/^\d+(\.\d*)?(e[+-]?\d+)?$/.test(body)) return sign * Math.round(Number(body) * 1000);
  if (!/^(\d+(ms|[smhdwy]))+$/.test(body)) throw new ScriptError(line, `bad duration "${text}"`);
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(amount) * UNITS_MS[unit!]!;
  return sign * total;
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
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y;

function readMetric(scanner: Scanner): Labels {
  const entries: [string, string][] = [];
  const name = take(scanner, METRIC_NAME);
  if (name !== undefined) entries.push(['__name__', name[0]]);
  const mark = scanner.at;
  skipSpace(scanner);
  if (scanner.text[scanner.at] === '{' && scanner.text[scanner.at + 1] !== '{') {
    scanner.at++;
    readLabels(scanner, entries);
  } else scanner.at = mark;
  if (scanner.at === 0) throw new ScriptError(scanner.line, `expected a metric, found "${scanner.text}"`);
  return labelsFromEntries(entries);
}

function readLabels(scanner: Scanner, entries: [string, string][]): void {
  for (;;) {
    skipSpace(scanner);
    if (take(scanner, /\}/y)) return;
    const quoted = take(scanner, QUOTED);
    const name = quoted === undefined ? take(scanner, METRIC_NAME)?.[0] : unquote(quoted[0]);
    if (name === undefined) throw new ScriptError(scanner.line, `bad label in "${scanner.text}"`);
    skipSpace(scanner);
    if (take(scanner, /=/y)) {
      skipSpace(scanner);
      const value = take(scanner, QUOTED);
      if (value === undefined) throw new ScriptError(scanner.line, `bad label value in "${scanner.text}"`);
      entries.push([name, unquote(value[0])]);
    } else entries.push(['__name__', name]);
    skipSpace(scanner);
    take(scanner, /,/y);
  }
}

const BLANK = /_(?:x(\d+))?(?=\s|$)/y;
const NUMBER = '[+-]?(?:inf|nan|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
const FLOATS = new RegExp(`(stale|${NUMBER})(?:([+-])(${NUMBER}))?(?:x(\\d+))?(?=\\s|$)`, 'iy');
const HISTOGRAM = /\{\{(.*?)\}\}/y;

function readPoints(scanner: Scanner): Point[] {
  const points: Point[] = [];
  for (;;) {
    skipSpace(scanner);
    if (scanner.at >= scanner.text.length) return points;
    const blank = take(scanner, BLANK);
    if (blank !== undefined) {
      for (let i = 0; i < Number(blank[1] ?? 1); i++) points.push(undefined);
      continue;
    }
    const histogram = take(scanner, HISTOGRAM);
    if (histogram !== undefined) readHistograms(scanner, histogram[1]!, points);
    else readFloats(scanner, points);
  }
}

function readFloats(scanner: Scanner, points: Point[]): void {
  const match = take(scanner, FLOATS);
  if (match === undefined) throw new ScriptError(scanner.line, `bad point in "${scanner.text.slice(scanner.at)}"`);
  const [, first, sign, increment, times] = match;
  const stale = first!.toLowerCase() === 'stale';
  let value = stale ? Number.NaN : parseFloatText(first!)!;
  const step = increment === undefined ? 0 : parseFloatText(increment)! * (sign === '-' ? -1 : 1);
  for (let i = 0; i <= Number(times ?? 0); i++) {
    points.push({ kind: 'float', value, stale });
    if (step !== 0) value += step;
  }
}

function readHistograms(scanner: Scanner, body: string, points: Point[]): void {
  const { histogram, hintGiven } = parseHistogram(body, scanner.line);
  const sign = take(scanner, /[+-](?=\{\{)/y)?.[0];
  const increment = sign === undefined ? undefined : take(scanner, HISTOGRAM);
  const times = Number(take(scanner, /x(\d+)/y)?.[1] ?? 0);
  if (increment === undefined) {
    for (let i = 0; i <= times; i++) points.push({ kind: 'histogram', histogram, hintGiven });
    return;
  }
  const step = parseHistogram(increment[1]!, scanner.line).histogram;
  let current: FloatHistogram = histogram;
  for (let i = 0; i <= times; i++) {
    points.push({ kind: 'histogram', histogram: current, hintGiven });
    const combined = sign === '-' ? subtractHistograms(current, step) : addHistograms(current, step);
    if (combined === undefined) throw new ScriptError(scanner.line, 'histograms with different kinds of buckets');
    current = { ...combined.histogram, counterResetHint: histogram.counterResetHint };
  }
}
