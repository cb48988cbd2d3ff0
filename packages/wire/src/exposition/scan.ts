import { Buffer } from 'node:buffer';
import { malformed, type WireError } from '../errors.ts';
import { readUtf8 } from '../utf8.ts';

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

const LABEL_START = 1;
const LABEL_PART = 2;
const METRIC_START = 4;
const METRIC_PART = 8;
const classes = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  const character = String.fromCharCode(byte);
  if (/[a-zA-Z_]/.test(character)) classes[byte] = LABEL_START | LABEL_PART | METRIC_START | METRIC_PART;
  else if (/[0-9]/.test(character)) classes[byte] = LABEL_PART | METRIC_PART;
  else if (character === ':') classes[byte] = METRIC_START | METRIC_PART;
}

/** A cursor over an exposition, and where the parts of the last series text are. */
export interface Scan {
  readonly body: Uint8Array;
  at: number;
  /** 1 for the first */
  line: number;
  lineStart: number;
  /** byte range of the metric name (inside the quotes, if it has them) */
  nameStart: number;
  nameEnd: number;
  /** labels besides the name: byte ranges of names and of values, both inside their quotes */
  labelCount: number;
  labelNameStart: Uint32Array;
  labelNameEnd: Uint32Array;
  labelValueStart: Uint32Array;
  labelValueEnd: Uint32Array;
  /** true if a quoted part of the series text has a backslash */
  hasEscape: boolean;
}

export function createScan(body: Uint8Array): Scan {
  return {
    body,
    at: 0,
    line: 1,
    lineStart: 0,
    nameStart: 0,
    nameEnd: 0,
    labelCount: 0,
    labelNameStart: new Uint32Array(32),
    labelNameEnd: new Uint32Array(32),
    labelValueStart: new Uint32Array(32),
    labelValueEnd: new Uint32Array(32),
    hasEscape: false,
  };
}

export function lineEnd(scan: Scan): number {
  const end = scan.body.indexOf(NEWLINE, scan.lineStart);
  return end < 0 ? scan.body.length : end;
}

/** An error about the current line: its number, the reason and the text up to where it was understood. */
export function lineError(scan: Scan, reason: string): WireError {
  const { body, lineStart } = scan;
  const end = Math.min(Math.max(scan.at, lineStart), lineEnd(scan));
  const text = Buffer.from(body.subarray(lineStart, Math.min(end, lineStart + 200))).toString();
  return malformed(`line ${scan.line}: ${reason} while parsing: ${JSON.stringify(text)}`);
}

/** Quotes what is at the cursor, for a message: the rest of the token. */
export function found(scan: Scan): string {
  const { body, at } = scan;
  if (at >= body.length) return 'end of input';
  if (body[at] === NEWLINE) return 'end of line';
  let end = at + 1;
  const limit = Math.min(body.length, at + 40);
  while (end < limit && body[end] !== SPACE && body[end] !== NEWLINE && body[end] !== TAB) end++;
  return JSON.stringify(Buffer.from(body.subarray(at, end)).toString());
}

export function skipBlanks(scan: Scan): void {
  const { body } = scan;
  let { at } = scan;
  while (at < body.length && (body[at] === SPACE || body[at] === TAB)) at++;
  scan.at = at;
}

/**
 * Reads a series text at the cursor: `name`, `name{a="b"}` or `{"name",a="b"}`; leaves the cursor behind it.
 * @param isStrict no blanks and no comma before the closing brace, as OpenMetrics has it
 * @throws WireError malformed
 */
export function scanSeriesText(scan: Scan, isStrict: boolean): void {
  const { body } = scan;
  scan.labelCount = 0;
  scan.hasEscape = false;
  scan.nameStart = scan.nameEnd = scan.at;
  if (scan.at < body.length && body[scan.at] !== OPEN_BRACE) {
    scanMetricName(scan);
    const nameEnd = scan.at;
    if (!isStrict) skipBlanks(scan);
    if (scan.at >= body.length || body[scan.at] !== OPEN_BRACE) {
      scan.at = nameEnd;
      return;
    }
    scan.at++;
    scanLabelSet(scan, isStrict, true);
    return;
  }
  if (scan.at >= body.length) throw lineError(scan, 'expected a metric name, got end of input');
  scan.at++;
  scanLabelSet(scan, isStrict, false);
  if (scan.nameStart === scan.nameEnd) throw lineError(scan, 'metric name not set');
}

/** An unquoted metric name at the cursor. */
export function scanMetricName(scan: Scan): void {
  const { body } = scan;
  let { at } = scan;
  if (at >= body.length || (classes[body[at]!]! & METRIC_START) === 0) {
    throw lineError(scan, `expected a valid start token, got ${found(scan)}`);
  }
  scan.nameStart = at;
  at++;
  while (at < body.length && (classes[body[at]!]! & METRIC_PART) !== 0) at++;
  scan.at = scan.nameEnd = at;
}

/** The rest of a label set after its opening brace; `hasName` if the metric's name stood before it. */
export function scanLabelSet(scan: Scan, isStrict: boolean, hasName: boolean): void {
  const { body } = scan;
  let isFirst = true;
  for (;;) {
    if (!isStrict) skipBlanks(scan);
    if (scan.at < body.length && body[scan.at] === CLOSE_BRACE && (isFirst || !isStrict)) break;
    const isQuoted = scan.at < body.length && body[scan.at] === QUOTE;
    if (isQuoted) scanQuoted(scan);
    else scanLabelName(scan);
    const nameStart = tokenStart;
    const nameEnd = tokenEnd;
    if (!isStrict) skipBlanks(scan);
    if (isQuoted && !hasName && !(scan.at < body.length && body[scan.at] === EQUALS)) {
      if (nameStart === nameEnd) throw lineError(scan, 'metric name is empty');
      scan.nameStart = nameStart;
      scan.nameEnd = nameEnd;
      hasName = true;
    } else {
      if (scan.at >= body.length || body[scan.at] !== EQUALS)
        throw lineError(scan, `expected equal, got ${found(scan)}`);
      scan.at++;
      if (!isStrict) skipBlanks(scan);
      if (scan.at >= body.length || body[scan.at] !== QUOTE) {
        throw lineError(scan, `expected label value, got ${found(scan)}`);
      }
      scanQuoted(scan);
      addLabel(scan, nameStart, nameEnd, tokenStart, tokenEnd);
      if (!isStrict) skipBlanks(scan);
    }
    isFirst = false;
    if (scan.at < body.length && body[scan.at] === COMMA) {
      scan.at++;
      continue;
    }
    if (scan.at < body.length && body[scan.at] === CLOSE_BRACE) break;
    throw lineError(scan, `expected comma or brace close, got ${found(scan)}`);
  }
  scan.at++;
}

let tokenStart = 0;
let tokenEnd = 0;

function scanLabelName(scan: Scan): void {
  const { body } = scan;
  let { at } = scan;
  if (at >= body.length || (classes[body[at]!]! & LABEL_START) === 0) {
    throw lineError(scan, `expected label name, got ${found(scan)}`);
  }
  tokenStart = at++;
  while (at < body.length && (classes[body[at]!]! & LABEL_PART) !== 0) at++;
  scan.at = tokenEnd = at;
}

/** A quoted string at the cursor, which is on its opening quote. */
function scanQuoted(scan: Scan): void {
  const { body } = scan;
  let at = scan.at + 1;
  tokenStart = at;
  while (at < body.length) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      tokenEnd = at;
      scan.at = at + 1;
      return;
    }
    if (byte === NEWLINE) break;
    if (byte === BACKSLASH) {
      scan.hasEscape = true;
      at++;
      if (at < body.length && body[at] === NEWLINE) break;
    }
    at++;
  }
  throw lineError(scan, 'unterminated quoted string');
}

function addLabel(scan: Scan, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
  const i = scan.labelCount++;
  if (i === scan.labelNameStart.length) {
    scan.labelNameStart = doubled(scan.labelNameStart);
    scan.labelNameEnd = doubled(scan.labelNameEnd);
    scan.labelValueStart = doubled(scan.labelValueStart);
    scan.labelValueEnd = doubled(scan.labelValueEnd);
  }
  scan.labelNameStart[i] = nameStart;
  scan.labelNameEnd[i] = nameEnd;
  scan.labelValueStart[i] = valueStart;
  scan.labelValueEnd[i] = valueEnd;
}

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Text of a quoted part or of HELP, with `\\`, `\"` and `\n` resolved; other backslashes stand for themselves. */
export function readEscaped(bytes: Uint8Array, start: number, end: number): string {
  const text = readUtf8(bytes, start, end);
  return text.includes('\\') ? text.replace(/\\([\\"n])/g, (_, code: string) => (code === 'n' ? '\n' : code)) : text;
}

/** A quoted metric name at the cursor, as the family of a metadata line. */
export function scanQuotedName(scan: Scan): void {
  scanQuoted(scan);
  scan.nameStart = tokenStart;
  scan.nameEnd = tokenEnd;
}
