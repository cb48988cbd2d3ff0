import type { CounterResetHint, FloatHistogram, Span } from '../histogram.ts';
import { parseFloatText } from './parse-number.ts';
import { ScriptError } from './script.ts';

const HINTS: Readonly<Record<string, CounterResetHint>> = {
  unknown: 'unknown',
  reset: 'reset',
  not_reset: 'not_reset',
  gauge: 'gauge',
};

const FIELDS: ReadonlySet<string> = new Set([
  'buckets',
  'count',
  'counter_reset_hint',
  'custom_values',
  'n_buckets',
  'n_offset',
  'offset',
  'schema',
  'sum',
  'z_bucket',
  'z_bucket_w',
]);

/** Reads what stands between `{{` and `}}`. */
export function parseHistogram(body: string, line: number): { histogram: FloatHistogram; hintGiven: boolean } {
  const fields = new Map<string, string>();
  const pattern = /\s*([a-z_]+)\s*:\s*(\[[^\]]*\]|[^\s]+)/gy;
  const text = body.trim();
  for (const match of text.matchAll(pattern)) fields.set(match[1]!, match[2]!);
  if (text.replaceAll(pattern, '') !== '') throw new ScriptError(line, `bad histogram "${body}"`);
  for (const name of fields.keys()) {
    if (!FIELDS.has(name)) throw new ScriptError(line, `unknown field "${name}" of a histogram`);
  }
  const numberOf = (value: string) => {
    const number = parseFloatText(value);
    if (number === undefined) throw new ScriptError(line, `bad number "${value}" in a histogram`);
    return number;
  };
  const number = (name: string) => numberOf(fields.get(name) ?? '0');
  const list = (name: string) => {
    const inside = (fields.get(name) ?? '').replace(/[[\]]/g, '').trim();
    return Float64Array.from(inside === '' ? [] : inside.split(/\s+/).map(numberOf));
  };
  const positiveBuckets = list('buckets');
  const negativeBuckets = list('n_buckets');
  const spans = (buckets: Float64Array, offset: number): Span[] =>
    buckets.length === 0 ? [] : [{ offset, length: buckets.length }];
  const hint = fields.get('counter_reset_hint');
  if (hint !== undefined && HINTS[hint] === undefined) throw new ScriptError(line, `bad counter_reset_hint "${hint}"`);
  const histogram: FloatHistogram = {
    schema: number('schema'),
    counterResetHint: hint === undefined ? 'unknown' : HINTS[hint]!,
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    positiveSpans: spans(positiveBuckets, number('offset')),
    positiveBuckets,
    negativeSpans: spans(negativeBuckets, number('n_offset')),
    negativeBuckets,
    customValues: list('custom_values'),
  };
  return { histogram, hintGiven: hint !== undefined };
}
