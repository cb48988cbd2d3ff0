import { readLatin1 } from '../utf8.ts';
import { floatResult, parseFloatBytes } from './float.ts';
import { isMetricType } from './metadata.ts';
import {
  checkSample,
  createFamilyChecks,
  type FamilyChecks,
  finishFamilies,
  metadataFamily,
  type OpenMetricsSample,
} from './openmetrics-family.ts';
import {
  addSample,
  createSamples,
  type ExpositionExemplar,
  type ExpositionParse,
  finishSamples,
  type MutableSamples,
} from './samples.ts';
import {
  createScan,
  found,
  HASH,
  lineEnd,
  lineError,
  NEWLINE,
  OPEN_BRACE,
  QUOTE,
  readEscaped,
  type Scan,
  SPACE,
  scanLabelSet,
  scanMetricName,
  scanQuotedName,
  scanSeriesText,
} from './scan.ts';

/** characters that the names and values of an exemplar's labels may have together */
const MAX_EXEMPLAR_CHARACTERS = 128;

/**
 * Begins to parse OpenMetrics 1.0, strictly: layout, order of metadata, grouping, values and timestamps as the
 * specification has them. The body must be valid UTF-8.
 */
export function beginOpenMetrics(body: Uint8Array): ExpositionParse {
  const scan = createScan(body);
  const samples = createSamples(body);
  const checks = createFamilyChecks();
  const sample: OpenMetricsSample = { value: 0, timestampSeconds: Number.NaN, hasExemplar: false };
  let isEnded = false;
  return {
    parseLines(maxLines) {
      const stopLine = scan.line + maxLines;
      while (scan.at < body.length && scan.line < stopLine) {
        scan.lineStart = scan.at;
        if (isEnded) throw lineError(scan, 'unexpected data after # EOF');
        const byte = body[scan.at]!;
        if (byte === NEWLINE) throw lineError(scan, 'blank lines are not allowed');
        if (byte === HASH) isEnded = parseDescriptor(scan, checks);
        else parseSample(scan, samples, checks, sample);
        endLine(scan);
      }
      return scan.at >= body.length;
    },
    finish() {
      if (!isEnded) {
        scan.at = scan.lineStart = body.length;
        throw lineError(scan, 'data does not end with # EOF');
      }
      return finishSamples(body, samples, finishFamilies(checks));
    },
  };
}

function endLine(scan: Scan): void {
  if (scan.at < scan.body.length && scan.body[scan.at] !== NEWLINE) {
    throw lineError(scan, `expected end of line, got ${found(scan)}`);
  }
  scan.at++;
  scan.line++;
}

/** A line that starts with `#`. True for `# EOF`. */
function parseDescriptor(scan: Scan, checks: FamilyChecks): boolean {
  const { body } = scan;
  const end = lineEnd(scan);
  const word = readLatin1(body, scan.at, Math.min(end, scan.at + 7));
  if (word === '# EOF' && end - scan.at === 5) {
    scan.at = end;
    return true;
  }
  if (word !== '# TYPE ' && word !== '# HELP ' && word !== '# UNIT ') {
    throw lineError(scan, `expected # TYPE, # HELP, # UNIT or # EOF, got ${found(scan)}`);
  }
  scan.at += 7;
  if (scan.at < end && body[scan.at] === QUOTE) scanQuotedName(scan);
  else scanMetricName(scan);
  if (scan.at >= end || body[scan.at] !== SPACE) {
    throw lineError(scan, `expected a space and text after the metric name, got ${found(scan)}`);
  }
  const family = metadataFamily(checks, scan, readEscaped(body, scan.nameStart, scan.nameEnd));
  scan.at++;
  if (word === '# HELP ') {
    if (family.help !== undefined) throw lineError(scan, 'more than one HELP of a metric family');
    family.help = readEscaped(body, scan.at, end);
  } else if (word === '# UNIT ') {
    if (family.unit !== undefined) throw lineError(scan, 'more than one UNIT of a metric family');
    family.unit = readEscaped(body, scan.at, end);
  } else {
    if (family.type !== undefined) throw lineError(scan, 'more than one TYPE of a metric family');
    const type = readLatin1(body, scan.at, end);
    if (!isMetricType(type)) throw lineError(scan, `invalid metric type ${JSON.stringify(type)}`);
    family.type = type;
  }
  scan.at = end;
  return false;
}

function parseSample(scan: Scan, samples: MutableSamples, checks: FamilyChecks, sample: OpenMetricsSample): void {
  const { body } = scan;
  const seriesStart = scan.at;
  scanSeriesText(scan, true);
  const seriesEnd = scan.at;
  sample.value = parseNumber(scan, 'value after metric');
  sample.timestampSeconds = Number.NaN;
  sample.hasExemplar = false;
  if (scan.at + 1 < body.length && body[scan.at] === SPACE && body[scan.at + 1] !== HASH) {
    sample.timestampSeconds = parseSeconds(scan);
  }
  if (scan.at + 1 < body.length && body[scan.at] === SPACE && body[scan.at + 1] === HASH) {
    sample.hasExemplar = true;
    // The checks need the parts of the series text, which those of the exemplar then replace.
    checkSample(checks, scan, sample);
    samples.exemplars.push(parseExemplar(scan, samples.count));
  } else checkSample(checks, scan, sample);
  addSample(samples, seriesStart, seriesEnd, sample.value, toMilliseconds(sample.timestampSeconds));
}

/** A space and a number at the cursor. */
function parseNumber(scan: Scan, what: string): number {
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

function parseSeconds(scan: Scan): number {
  const seconds = parseNumber(scan, 'timestamp or exemplar');
  if (!Number.isFinite(seconds)) throw lineError(scan, `invalid timestamp ${seconds}`);
  return seconds;
}

/** ` # {labels} value [timestamp]` at the cursor. */
function parseExemplar(scan: Scan, sample: number): ExpositionExemplar {
  const { body } = scan;
  scan.at += 2;
  if (!(scan.at + 1 < body.length && body[scan.at] === SPACE && body[scan.at + 1] === OPEN_BRACE)) {
    throw lineError(scan, `expected the labels of an exemplar, got ${found(scan)}`);
  }
  scan.at += 2;
  scan.labelCount = 0;
  scanLabelSet(scan, true, true);
  const labels: string[] = [];
  let characters = 0;
  for (let i = 0; i < scan.labelCount; i++) {
    const name = readEscaped(body, scan.labelNameStart[i]!, scan.labelNameEnd[i]!);
    const value = readEscaped(body, scan.labelValueStart[i]!, scan.labelValueEnd[i]!);
    for (let j = 0; j < labels.length; j += 2) {
      if (labels[j] === name) throw lineError(scan, `exemplar label ${JSON.stringify(name)} is not unique`);
    }
    labels.push(name, value);
    characters += [...name].length + [...value].length;
  }
  if (characters > MAX_EXEMPLAR_CHARACTERS) {
    throw lineError(
      scan,
      `exemplar labels have ${characters} characters, at most ${MAX_EXEMPLAR_CHARACTERS} are allowed`,
    );
  }
  const value = parseNumber(scan, 'value after exemplar labels');
  const hasTimestamp = scan.at < body.length && body[scan.at] === SPACE;
  const timestampMs = hasTimestamp ? toMilliseconds(parseSeconds(scan)) : Number.NaN;
  return { sample, labels, value, timestampMs };
}

/** Whole ms, towards zero as Prometheus has it, but not misled by the rounding of a fraction that is whole ms. */
function toMilliseconds(seconds: number): number {
  const ms = seconds * 1000;
  const nearest = Math.round(ms);
  return Math.abs(ms - nearest) < 1e-3 ? nearest : Math.trunc(ms);
}
