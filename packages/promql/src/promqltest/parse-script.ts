import { parseDuration } from '../durations.ts';
import { unquote } from '../go-strings.ts';
import { labelsKey } from '../labels.ts';
import { compileSearch } from '../matcher.ts';
import { parseNumber } from '../numbers.ts';
import { isStartLine, parseSeries, parseStartTimes, type StartTimes } from './parse-series.ts';
import {
  type Command,
  type EvalCommand,
  type Expectations,
  type ExpectedSeries,
  ScriptError,
  type SeriesDescription,
  type TextExpectation,
  type Times,
} from './script.ts';
import { whyNotStored } from './stored-histogram.ts';

interface Lines {
  readonly lines: readonly string[];
  next: number;
}

/** Parses a test file. What cannot be read, up to the next blank line, becomes an `unreadable` command. */
export function parseScript(text: string): Command[] {
  const lines = text.split('\n').map((line) => {
    const trimmed = line.trim();
    return trimmed.startsWith('#') ? '' : trimmed;
  });
  const reader: Lines = { lines, next: 0 };
  const commands: Command[] = [];
  while (reader.next < lines.length) {
    const line = reader.next + 1;
    const head = lines[reader.next++]!;
    if (head === '') continue;
    try {
      commands.push(parseCommand(reader, head, line));
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      commands.push({ kind: 'unreadable', line: error.line, text: head, message: error.message });
      for (const _ of body(reader));
    }
  }
  return commands;
}

function parseCommand(reader: Lines, head: string, line: number): Command {
  const word = head.split(/\s+/)[0]!.toLowerCase();
  if (word === 'clear') return { kind: 'clear', line };
  if (word.startsWith('load')) return parseLoad(reader, head, line);
  if (word.startsWith('eval')) return parseEval(reader, head, line);
  throw new ScriptError(line, `expected clear, load or eval, found "${head}"`);
}

/** The lines up to the next blank one, with their numbers. */
function* body(reader: Lines): Generator<[text: string, line: number]> {
  while (reader.next < reader.lines.length) {
    const text = reader.lines[reader.next]!;
    if (text === '') return;
    reader.next++;
    yield [text, reader.next];
  }
}

function parseLoad(reader: Lines, head: string, line: number): Command {
  const match = /^load(_with_nhcb)?\s+(.+)$/.exec(head);
  if (match === null) throw new ScriptError(line, `invalid load command "${head}"`);
  const stepMs = durationOf(match[2]!, line);
  const series: SeriesDescription[] = [];
  let start: StartTimes | undefined;
  const noSeries = ({ line: at }: StartTimes) =>
    new ScriptError(at, 'a line of start timestamps without a line of samples after it');
  for (const [text, at] of body(reader)) {
    if (isStartLine(text)) {
      if (start !== undefined) throw noSeries(start);
      start = parseStartTimes(text, at);
      continue;
    }
    const description = parseSeries(text, at);
    checkStorable(description);
    series.push(start === undefined ? description : { ...description, startOffsetsMs: startsOf(start, description) });
    start = undefined;
  }
  if (start !== undefined) throw noSeries(start);
  return { kind: 'load', line, stepMs, withCustomBuckets: match[1] !== undefined, series };
}

function startsOf({ labels, offsetsMs, line }: StartTimes, description: SeriesDescription): StartTimes['offsetsMs'] {
  if (labelsKey(labels) !== labelsKey(description.labels))
    throw new ScriptError(line, 'start timestamps of another metric than that of the samples after them');
  if (offsetsMs.length !== description.points.length)
    throw new ScriptError(line, `${offsetsMs.length} start timestamps, but ${description.points.length} samples`);
  return offsetsMs;
}

function checkStorable({ points, line }: SeriesDescription): void {
  for (const point of points) {
    const reason = point?.kind === 'histogram' ? whyNotStored(point.histogram) : undefined;
    if (reason !== undefined) throw new ScriptError(line, `a histogram that is not stored: ${reason}`);
  }
}

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const RANGE_VECTOR = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const EXPECTATION = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;

function parseEval(reader: Lines, head: string, line: number): EvalCommand {
  const instant = INSTANT.exec(head);
  if (instant !== null) {
    const timeMs = durationOf(instant[2] ?? '', line);
    const expected = parseExpectations(reader, instant[1], line, true);
    // A range vector is that of its end.
    const atMs = expected.rangeVector?.endMs ?? timeMs;
    const times = { startMs: atMs, endMs: atMs, stepMs: 0 };
    return { kind: 'eval', line, query: instant[3]!, times, isRange: false, expected };
  }
  const range = RANGE.exec(head);
  if (range === null) throw new ScriptError(line, `invalid eval command "${head}"`);
  const times = timesOf(range.slice(2, 5) as [string, string, string], line);
  const expected = parseExpectations(reader, range[1], line, false);
  return { kind: 'eval', line, query: range[5]!, times: expected.rangeVector ?? times, isRange: true, expected };
}

function timesOf([start, end, step]: [string, string, string], line: number): Times {
  const [startMs, endMs] = [durationOf(start, line), durationOf(end, line)];
  if (endMs < startMs) throw new ScriptError(line, `the end ${end} is before the start ${start}`);
  return { startMs, endMs, stepMs: durationOf(step, line) };
}

function durationOf(text: string, line: number): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new ScriptError(line, error instanceof Error ? error.message : String(error));
  }
}

/** What was read of an eval's expectations so far. */
interface Gathered {
  readonly texts: TextExpectation[];
  readonly series: ExpectedSeries[];
  ordered: boolean;
  noWarn: boolean;
  noInfo: boolean;
  scalar: number | undefined;
  string: string | undefined;
  rangeVector: Times | undefined;
}

function parseExpectations(
  reader: Lines,
  suffix: string | undefined,
  evalLine: number,
  isInstant: boolean,
): Expectations {
  const gathered: Gathered = {
    texts: [],
    series: [],
    ordered: suffix === 'ordered',
    noWarn: false,
    noInfo: false,
    scalar: undefined,
    string: undefined,
    rangeVector: undefined,
  };
  const { texts, series } = gathered;
  if (suffix === 'fail' || suffix === 'warn' || suffix === 'info') {
    texts.push({ kind: suffix, match: undefined, line: evalLine, isSuffix: true });
  }
  let position = 0;
  for (const [text, line] of body(reader)) {
    position++;
    const old = suffix === 'fail' ? /^expected_fail_(message|regexp)(.*)$/.exec(text) : null;
    if (old !== null) {
      const match = textMatch(old[1] === 'regexp', old[2]!.trim(), line);
      texts.push({ kind: 'fail', match, line, isSuffix: true });
      break;
    }
    if (text.startsWith('expect range vector')) {
      const vector = RANGE_VECTOR.exec(text);
      if (vector === null) throw new ScriptError(line, `invalid range vector "${text}"`);
      gathered.rangeVector = timesOf(vector.slice(1, 4) as [string, string, string], line);
    } else if (text.startsWith('expect string')) gathered.string = stringOf(text, line);
    else if (text.split(' ')[0] === 'expect') {
      readExpectation(gathered, text, line);
      position--;
    } else {
      gathered.scalar = scalarOf(text);
      if (gathered.scalar !== undefined) break;
      const description = parseSeries(text, line);
      if (description.points.length > 1 && isInstant && gathered.rangeVector === undefined)
        throw new ScriptError(line, 'several values are expected of an instant query');
      series.push({ ...description, position });
    }
  }
  return gathered;
}

function readExpectation(gathered: Gathered, text: string, line: number): void {
  const expectation = EXPECTATION.exec(text);
  if (expectation === null) throw new ScriptError(line, `unknown expectation "${text}"`);
  const [, kind, how, wanted] = expectation;
  const match = wanted === undefined ? undefined : textMatch(how === 'regex', wanted.trim(), line);
  if (kind === 'ordered') gathered.ordered = true;
  else if (kind === 'no_warn') gathered.noWarn = true;
  else if (kind === 'no_info') gathered.noInfo = true;
  else gathered.texts.push({ kind: kind as TextExpectation['kind'], match, line });
  const count = (of: string) => gathered.texts.filter((one) => one.kind === of && !one.isSuffix).length;
  if (gathered.noWarn && count('warn') > 0) throw new ScriptError(line, 'warn and no_warn are both expected');
  if (gathered.noInfo && count('info') > 0) throw new ScriptError(line, 'info and no_info are both expected');
  if (count('fail') > 1) throw new ScriptError(line, 'more than one failure is expected');
}

/** A string as Go writes it: in single quotes, one character. */
function stringOf(text: string, line: number): string {
  const literal = text.slice('expect string '.length);
  const isCharacter = /^'(?:[^'\\]|\\.[^']*)'$/u.test(literal);
  if (!isCharacter && !/^(?:"(?:[^"\\]|\\.)*"|`[^`]*`)$/.test(literal)) {
    throw new ScriptError(line, `"${text}" has no quoted string`);
  }
  return unquote(literal);
}

function textMatch(isRegex: boolean, text: string, line: number): TextExpectation['match'] {
  if (!isRegex) return { message: text };
  try {
    return { regex: text, finds: compileSearch(text) };
  } catch (error) {
    throw new ScriptError(line, error instanceof Error ? error.message : String(error));
  }
}

const GO_INTEGER = /^[+-]?(?:0|[1-9](?:_?[0-9])*|0(?:_?[0-7])+|0o(?:_?[0-7])+|0b(?:_?[01])+|0x(?:_?[0-9a-f])+)$/i;
const GO_FLOAT = /^[+-]?(?:inf(?:inity)?|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)$/i;
const GO_HEXADECIMAL_FLOAT = /^[+-]?0x[0-9a-f]*\.?[0-9a-f]*p[+-]?[0-9]+$/i;

/** The value of a line that is one number, as Go writes it. */
function scalarOf(text: string): number | undefined {
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (/^inf(?:inity)?$/i.test(body)) return sign * Number.POSITIVE_INFINITY;
  if (GO_INTEGER.test(text)) {
    const digits = body.replaceAll('_', '');
    const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    if (value < 2 ** 63) return sign * value;
  }
  if (GO_FLOAT.test(text)) {
    const value = Number(body);
    return Number.isFinite(value) ? sign * value : undefined;
  }
  if (!GO_HEXADECIMAL_FLOAT.test(text)) return undefined;
  const number = parseNumber(body);
  return 'error' in number ? undefined : sign * number.value;
}
