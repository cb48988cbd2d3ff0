import { readLatin1 } from '../utf8.ts';
import { isMetricType } from './metadata.ts';
import {
  checkSample,
  createFamilyChecks,
  type FamilyChecks,
  finishFamilies,
  metadataFamily,
  type OpenMetricsSample,
} from './openmetrics-family.ts';
import { parseExemplar, parseNumber, parseSeconds, toMilliseconds } from './openmetrics-values.ts';
import { addSample, createSamples, type ExpositionParse, finishSamples, type MutableSamples } from './samples.ts';
import {
  createScan,
  found,
  HASH,
  lineEnd,
  lineError,
  NEWLINE,
  QUOTE,
  readEscaped,
  type Scan,
  SPACE,
  scanMetricName,
  scanQuotedName,
  scanSeriesText,
} from './scan.ts';

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
