import { unquote } from '../go-strings.ts';
import { labelsKey } from '../labels.ts';
import { compileSearch } from '../matcher.ts';
import { parseNumber } from '../numbers.ts';
import { parseDurationMs, parseSeries, parseStartTimes } from './parse-series.ts';
import {
  type Command,
  type EvalCommand,
  type Expectations,
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
  const match = /^load(_with_nhcb)?\s+(\S+)$/.exec(head);
  if (match === null) throw new ScriptError(line, `invalid load command "${head}"`);
  const series: SeriesDescription[] = [];
  const startTimes = new Map<string, (number | undefined)[]>();
  for (const [text, at] of body(reader)) {
    const start = text.includes('@st') ? parseStartTimes(text, at) : undefined;
    if (start !== undefined) {
      startTimes.set(labelsKey(start.labels), start.offsetsMs);
      continue;
    }
    const description = parseSeries(text, at);
    checkStorable(description);
    const key = labelsKey(description.labels);
    const startOffsetsMs = startTimes.get(key);
    startTimes.delete(key);
    series.push(startOffsetsMs === undefined ? description : { ...description, startOffsetsMs });
  }
  return {
    kind: 'load',
    line,
    stepMs: parseDurationMs(match[2]!, line),
    withCustomBuckets: match[1] !== undefined,
    series,
  };
}

function checkStorable({ points, line }: SeriesDescription): void {
  for (const point of points) {
    const reason = point?.kind === 'histogram' ? whyNotStored(point.histogram) : undefined;
    if (reason !== undefined) throw new ScriptError(line, `a histogram that is not stored: ${reason}`);
  }
}

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;
const RANGE_VECTOR = /^expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/;

function parseEval(reader: Lines, head: string, line: number): EvalCommand {
  const instant = INSTANT.exec(head);
  if (instant !== null) {
    const timeMs = parseDurationMs(instant[2] ?? '0', line);
    const times = { startMs: timeMs, endMs: timeMs, stepMs: 0 };
    const expected = parseExpectations(reader, instant[1], line);
    return { kind: 'eval', line, query: instant[3]!, times, isRange: false, expected };
  }
  const range = RANGE.exec(head);
  if (range === null) throw new ScriptError(line, `invalid eval command "${head}"`);
  const times = timesOf(range.slice(2, 5) as [string, string, string], line);
  return {
    kind: 'eval',
    line,
    query: range[5]!,
    times,
    isRange: true,
    expected: parseExpectations(reader, range[1], line),
  };
}

function timesOf([start, end, step]: [string, string, string], line: number): Times {
  return {
    startMs: parseDurationMs(start, line),
    endMs: parseDurationMs(end, line),
    stepMs: parseDurationMs(step, line),
  };
}

function parseExpectations(reader: Lines, suffix: string | undefined, evalLine: number): Expectations {
  const texts: TextExpectation[] = [];
  const series: SeriesDescription[] = [];
  let ordered = suffix === 'ordered';
  let noWarn = false;
  let noInfo = false;
  let scalar: number | undefined;
  let string: string | undefined;
  let rangeVector: Times | undefined;
  if (suffix === 'fail' || suffix === 'warn' || suffix === 'info') {
    texts.push({ kind: suffix, match: undefined, line: evalLine });
  }
  for (const [text, line] of body(reader)) {
    const expectation = /^expect\s+(fail|warn|info)(?:\s+(msg|regex)\s*:(.*))?$/.exec(text);
    const old = /^expected_fail_(message|regexp)\s+(.*)$/.exec(text);
    const vector = RANGE_VECTOR.exec(text);
    if (expectation !== null) {
      const [, kind, how, wanted] = expectation;
      const match = wanted === undefined ? undefined : textMatch(how === 'regex', wanted.trim(), line);
      texts.push({ kind: kind as TextExpectation['kind'], match, line });
    } else if (old !== null) {
      texts.push({ kind: 'fail', match: textMatch(old[1] === 'regexp', old[2]!, line), line });
    } else if (vector !== null) rangeVector = timesOf(vector.slice(1, 4) as [string, string, string], line);
    else if (/^expect\s+ordered$/.test(text)) ordered = true;
    else if (/^expect\s+no_warn$/.test(text)) noWarn = true;
    else if (/^expect\s+no_info$/.test(text)) noInfo = true;
    else if (/^expect\s+string\s/.test(text)) string = unquote(text.replace(/^expect\s+string\s+/, ''));
    else if (/^expect\s/.test(text)) throw new ScriptError(line, `unknown expectation "${text}"`);
    else {
      scalar = scalarOf(text);
      if (scalar !== undefined) break;
      series.push(parseSeries(text, line));
    }
  }
  return { texts, ordered, noWarn, noInfo, scalar, string, rangeVector, series };
}

function textMatch(isRegex: boolean, text: string, line: number): TextExpectation['match'] {
  if (!isRegex) return { message: text };
  try {
    return { regex: text, finds: compileSearch(text) };
  } catch (error) {
    throw new ScriptError(line, error instanceof Error ? error.message : String(error));
  }
}

/** The value of a line that is one number, as the query language writes it. */
function scalarOf(text: string): number | undefined {
  const number = parseNumber(text.replace(/^[+-]/, ''));
  if ('error' in number) return undefined;
  return text.startsWith('-') ? -number.value : number.value;
}
