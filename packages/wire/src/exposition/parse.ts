import { isUtf8 } from 'node:buffer';
import { malformed } from '../errors.ts';
import type { ExpositionFormat } from './format.ts';
import { beginOpenMetrics } from './openmetrics.ts';
import { beginProtobuf, type ProtobufOptions } from './protobuf.ts';
import type { ExpositionParse, ExpositionSamples } from './samples.ts';
import { NEWLINE } from './scan.ts';
import { beginText } from './text.ts';

/**
 * Begins to parse what an exporter answered to a scrape; the caller asks for some thousand lines at a time.
 * @throws WireError malformed for invalid UTF-8
 */
export function beginExposition(
  body: Uint8Array,
  format: ExpositionFormat,
  histograms: ProtobufOptions = { nativeHistograms: false, classicToo: false },
): ExpositionParse {
  if (format === 'protobuf') return beginProtobuf(body, histograms);
  if (!isUtf8(body)) throw malformed(`line ${invalidUtf8Line(body)}: invalid UTF-8`);
  return format === 'openmetrics' ? beginOpenMetrics(body) : beginText(body);
}

/**
 * Parses what an exporter answered to a scrape, at once: for small bodies and tests.
 * @throws WireError malformed; the message names the line
 */
export function parseExposition(body: Uint8Array, format: ExpositionFormat): ExpositionSamples {
  const parse = beginExposition(body, format);
  parse.parseLines(Number.POSITIVE_INFINITY);
  return parse.finish();
}

function invalidUtf8Line(body: Uint8Array): number {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline < 0 ? body.length : newline;
    if (newline < 0 || !isUtf8(body.subarray(start, end))) return line;
    start = end + 1;
  }
}
