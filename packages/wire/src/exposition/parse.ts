import { isUtf8 } from 'node:buffer';
import { malformed } from '../errors.ts';
import type { ExpositionFormat } from './format.ts';
import { parseOpenMetrics } from './openmetrics.ts';
import type { ExpositionSamples } from './samples.ts';
import { NEWLINE } from './scan.ts';
import { parseText } from './text.ts';

/**
 * Parses what an exporter answered to a scrape.
 * @throws WireError malformed; the message names the line
 */
export function parseExposition(body: Uint8Array, format: ExpositionFormat): ExpositionSamples {
  if (!isUtf8(body)) throw malformed(`line ${invalidUtf8Line(body)}: invalid UTF-8`);
  return format === 'openmetrics' ? parseOpenMetrics(body) : parseText(body);
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
