import { readLatin1, readUtf8 } from '../utf8.ts';
import { floatResult, parseFloatBytes } from './float.ts';
import { createMetadataTable, familyOf, isMetricType, listMetadata, type MetadataTable } from './metadata.ts';
import { addSample, createSamples, type ExpositionParse, finishSamples, type MutableSamples } from './samples.ts';
import {
  createScan,
  found,
  HASH,
  lineError,
  NEWLINE,
  QUOTE,
  readEscaped,
  type Scan,
  SPACE,
  scanMetricName,
  scanQuotedName,
  scanSeriesText,
  skipBlanks,
  TAB,
} from './scan.ts';

/** Begins to parse the Prometheus text format, 0.0.4 or 1.0. The body must be valid UTF-8. */
export function beginText(body: Uint8Array): ExpositionParse {
  const scan = createScan(body);
  const samples = createSamples(body);
  const metadata = createMetadataTable();
  return {
    parseLines(maxLines) {
      const stopLine = scan.line + maxLines;
      while (scan.at < body.length && scan.line < stopLine) parseLine(scan, samples, metadata);
      return scan.at >= body.length;
    },
    finish: () => finishSamples(body, samples, listMetadata(metadata)),
  };
}

function parseLine(scan: Scan, samples: MutableSamples, metadata: MetadataTable): void {
  scan.lineStart = scan.at;
  skipBlanks(scan);
  const byte = scan.body[scan.at];
  if (byte === HASH) parseComment(scan, metadata);
  else if (byte !== undefined && byte !== NEWLINE) parseSample(scan, samples);
  scan.at++;
  scan.line++;
}

/** Leaves the cursor on the line's end. */
function parseSample(scan: Scan, samples: MutableSamples): void {
  const { body } = scan;
  const seriesStart = scan.at;
  scanSeriesText(scan, false);
  const seriesEnd = scan.at;
  skipBlanks(scan);
  const valueStart = scan.at;
  const valueEnd = tokenEnd(scan);
  if (valueEnd === valueStart) throw lineError(scan, `expected value after metric, got ${found(scan)}`);
  const value = parseFloatBytes(body, valueStart, valueEnd);
  if (!floatResult.isValid) throw lineError(scan, `expected value after metric, got ${found(scan)}`);
  scan.at = valueEnd;
  skipBlanks(scan);
  let timestampMs = Number.NaN;
  if (scan.at < body.length && body[scan.at] !== NEWLINE) {
    timestampMs = parseTimestamp(scan);
    skipBlanks(scan);
    if (scan.at < body.length && body[scan.at] !== NEWLINE) {
      throw lineError(scan, `expected next entry after timestamp, got ${found(scan)}`);
    }
  }
  addSample(samples, seriesStart, seriesEnd, value, timestampMs);
}

function parseTimestamp(scan: Scan): number {
  const { body } = scan;
  const end = tokenEnd(scan);
  let at = scan.at;
  const isNegative = body[at] === 0x2d;
  if (isNegative) at++;
  let value = 0;
  const digitsStart = at;
  for (; at < end; at++) {
    const digit = body[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at !== end || at === digitsStart || !Number.isSafeInteger(value)) {
    throw lineError(scan, `expected timestamp or new record, got ${found(scan)}`);
  }
  scan.at = end;
  return isNegative ? -value : value;
}

function parseComment(scan: Scan, metadata: MetadataTable): void {
  const { body } = scan;
  let end = body.indexOf(NEWLINE, scan.at);
  if (end < 0) end = body.length;
  scan.at++;
  const afterHash = scan.at;
  skipBlanks(scan);
  const word = scan.at > afterHash && end - scan.at > 4 ? readLatin1(body, scan.at, scan.at + 4) : '';
  if ((word === 'TYPE' || word === 'HELP') && (body[scan.at + 4] === SPACE || body[scan.at + 4] === TAB)) {
    scan.at += 4;
    skipBlanks(scan);
    const family = parseFamily(scan, end, word);
    skipBlanks(scan);
    const entry = familyOf(metadata, family);
    if (word === 'TYPE') {
      const type = readLatin1(body, scan.at, end);
      const known = type === 'untyped' ? 'unknown' : type;
      if (!isMetricType(known)) throw lineError(scan, `invalid metric type ${JSON.stringify(type)}`);
      entry.type = known;
    } else entry.help = readHelp(body, scan.at, end);
  }
  scan.at = end;
}

function parseFamily(scan: Scan, end: number, word: string): string {
  if (scan.at >= end) throw lineError(scan, `expected metric name after ${word}, got ${found(scan)}`);
  if (scan.body[scan.at] === QUOTE) scanQuotedName(scan);
  else scanMetricName(scan);
  const { body, at } = scan;
  if (at < end && body[at] !== SPACE && body[at] !== TAB) {
    throw lineError(scan, `expected metric name after ${word}, got ${found(scan)}`);
  }
  return readEscaped(body, scan.nameStart, scan.nameEnd);
}

/** HELP text resolves `\\` and `\n` only. */
function readHelp(body: Uint8Array, start: number, end: number): string {
  const text = readUtf8(body, Math.min(start, end), end);
  return text.includes('\\') ? text.replace(/\\([\\n])/g, (_, code: string) => (code === 'n' ? '\n' : code)) : text;
}

function tokenEnd(scan: Scan): number {
  const { body } = scan;
  let { at } = scan;
  while (at < body.length && body[at] !== SPACE && body[at] !== TAB && body[at] !== NEWLINE) at++;
  return at;
}
