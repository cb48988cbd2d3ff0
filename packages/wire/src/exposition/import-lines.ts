import { isUtf8 } from 'node:buffer';
import { isWireError } from '../errors.ts';
import { readLatin1 } from '../utf8.ts';
import { createMetadataTable, familyOf, isMetricType, listMetadata, type MetadataTable } from './metadata.ts';
import type { NumberedFamilies } from './openmetrics-float.ts';
import { parseExemplar, parseNumber, parseSeconds, toMilliseconds } from './openmetrics-values.ts';
import { addSample, createSamples, type ExpositionSamples, finishSamples, type MutableSamples } from './samples.ts';
import {
  createScan,
  found,
  HASH,
  lineEnd,
  lineError,
  QUOTE,
  readEscaped,
  type Scan,
  SPACE,
  scanMetricName,
  scanQuotedName,
  scanSeriesText,
} from './scan.ts';

/** A line that was left out, and why. */
export interface LineFault {
  /** 1 for the first of the whole input. */
  readonly line: number;
  readonly message: string;
}

export interface ImportedLines extends ExpositionSamples {
  /** The number of the line that each sample stands on. */
  readonly lines: Uint32Array;
  readonly faults: readonly LineFault[];
  /** Lines of the body. */
  readonly lineCount: number;
}

const RETURN = 0x0d;

/**
 * Reads a run of whole lines of OpenMetrics text, each by itself: a line that is wrong is left out. Every sample needs
 * a timestamp. What OpenMetrics asks of a whole exposition (grouping, `# EOF`) is not asked here, so that input of any
 * length needs no memory; blank lines and comments are passed over.
 * @param firstLine the number of the body's first line
 * @param families what earlier lines have said; what these say is added
 */
export function parseImportLines(
  body: Uint8Array,
  firstLine: number,
  families: NumberedFamilies = new Map(),
): ImportedLines {
  const scan = createScan(body);
  scan.line = firstLine;
  const samples = createSamples(body);
  const metadata = createMetadataTable();
  const lines: number[] = [];
  const faults: LineFault[] = [];
  const isAllUtf8 = isUtf8(body);
  while (scan.at < body.length) {
    scan.lineStart = scan.at;
    const end = lineEnd(scan);
    const exemplars = samples.exemplars.length;
    try {
      if (!isAllUtf8 && !isUtf8(body.subarray(scan.at, end))) throw lineError(scan, 'invalid UTF-8');
      if (body[scan.at] === HASH) parseDescriptor(scan, end, metadata);
      else if (!isBlank(body, scan.at, end)) {
        parseSample(scan, end, samples);
        lines.push(scan.line);
      }
    } catch (error) {
      if (!isWireError(error)) throw error;
      samples.exemplars.length = exemplars;
      faults.push({ line: scan.line, message: error.message.replace(/^line \d+: /, '') });
    }
    scan.at = end + 1;
    scan.line++;
  }
  return {
    ...finishSamples(body, samples, listMetadata(metadata), families),
    lines: Uint32Array.from(lines),
    faults,
    lineCount: scan.line - firstLine,
  };
}

function isBlank(body: Uint8Array, start: number, end: number): boolean {
  return start === end || (end === start + 1 && body[start] === RETURN);
}

function parseSample(scan: Scan, end: number, samples: MutableSamples): void {
  const { body } = scan;
  const seriesStart = scan.at;
  scanSeriesText(scan, true);
  const seriesEnd = scan.at;
  const value = parseNumber(scan, 'value after metric');
  if (scan.at + 1 >= end || body[scan.at] !== SPACE || body[scan.at + 1] === HASH) {
    throw lineError(scan, 'expected a timestamp in seconds after the value');
  }
  const timestampMs = toMilliseconds(parseSeconds(scan));
  if (scan.at + 1 < end && body[scan.at] === SPACE && body[scan.at + 1] === HASH) {
    samples.exemplars.push(parseExemplar(scan, samples.count));
  }
  if (scan.at < end) throw lineError(scan, `expected end of line, got ${found(scan)}`);
  addSample(samples, seriesStart, seriesEnd, value, timestampMs);
}

/** `# TYPE`, `# HELP` and `# UNIT`; other comments say nothing. */
function parseDescriptor(scan: Scan, end: number, metadata: MetadataTable): void {
  const { body } = scan;
  const word = readLatin1(body, scan.at, Math.min(end, scan.at + 7));
  if (word !== '# TYPE ' && word !== '# HELP ' && word !== '# UNIT ') return;
  scan.at += 7;
  if (scan.at < end && body[scan.at] === QUOTE) scanQuotedName(scan);
  else scanMetricName(scan);
  const family = familyOf(metadata, readEscaped(body, scan.nameStart, scan.nameEnd));
  const text = readEscaped(body, Math.min(end, scan.at + 1), end);
  if (word === '# HELP ') family.help = text;
  else if (word === '# UNIT ') family.unit = text;
  else if (isMetricType(text)) family.type = text;
  else throw lineError(scan, `invalid metric type ${JSON.stringify(text)}`);
}
