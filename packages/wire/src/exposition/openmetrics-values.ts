import { floatResult, parseFloatBytes } from './float.ts';
import type { ExpositionExemplar } from './samples.ts';
import { found, lineError, NEWLINE, OPEN_BRACE, readEscaped, type Scan, SPACE, scanLabelSet } from './scan.ts';

/** characters that the names and values of an exemplar's labels may have together */
const MAX_EXEMPLAR_CHARACTERS = 128;

/** A space and a number at the cursor. */
export function parseNumber(scan: Scan, what: string): number {
  const { body } = scan;
  if (scan.at >= body.length || body[scan.at] !== SPACE) throw lineError(scan, `expected ${what}, got ${found(scan)}`);
  scan.at++;
  let end = scan.at;
  while (end < body.length && body[end] !== SPACE && body[end] !== NEWLINE) end++;
  const value = parseFloatBytes(body, scan.at, end);
  if (!floatResult.isValid) throw lineError(scan, `expected ${what}, got ${found(scan)}`);
  scan.at = end;
  return value;
}

/** A space and a time in seconds at the cursor. */
export function parseSeconds(scan: Scan): number {
  const seconds = parseNumber(scan, 'timestamp or exemplar');
  if (!Number.isFinite(seconds)) throw lineError(scan, `invalid timestamp ${seconds}`);
  return seconds;
}

/** ` # {labels} value [timestamp]` at the cursor. */
export function parseExemplar(scan: Scan, sample: number): ExpositionExemplar {
  const { body } = scan;
  scan.at += 2;
  if (!(scan.at + 1 < body.length && body[scan.at] === SPACE && body[scan.at + 1] === OPEN_BRACE)) {
    throw lineError(scan, `expected the labels of an exemplar, got ${found(scan)}`);
  }
  scan.at += 2;
  scan.labelCount = 0;
  scanLabelSet(scan, true, true);
  const labels: string[] = [];
  const names = new Set<string>();
  let repeated: string | undefined;
  let characters = 0;
  for (let i = 0; i < scan.labelCount; i++) {
    const name = readEscaped(body, scan.labelNameStart[i]!, scan.labelNameEnd[i]!);
    const value = readEscaped(body, scan.labelValueStart[i]!, scan.labelValueEnd[i]!);
    labels.push(name, value);
    if (names.has(name)) repeated = name;
    names.add(name);
    characters += [...name].length + [...value].length;
  }
  if (characters > MAX_EXEMPLAR_CHARACTERS) {
    throw lineError(
      scan,
      `exemplar labels have ${characters} characters, at most ${MAX_EXEMPLAR_CHARACTERS} are allowed`,
    );
  }
  if (repeated !== undefined) throw lineError(scan, `exemplar label ${JSON.stringify(repeated)} is not unique`);
  const value = parseNumber(scan, 'value after exemplar labels');
  const hasTimestamp = scan.at < body.length && body[scan.at] === SPACE;
  const timestampMs = hasTimestamp ? toMilliseconds(parseSeconds(scan)) : Number.NaN;
  return { sample, labels, value, timestampMs };
}

/** Whole ms, towards zero as Prometheus has it, but not misled by the rounding of a fraction that is whole ms. */
export function toMilliseconds(seconds: number): number {
  const ms = seconds * 1000;
  const nearest = Math.round(ms);
  return Math.abs(ms - nearest) < 1e-3 ? nearest : Math.trunc(ms);
}
