import type { CounterResetHint, FloatHistogram, Span } from '../histogram.ts';
import { parseNumber } from '../numbers.ts';
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

const WHOLE_NUMBERS: ReadonlySet<string> = new Set(['schema', 'offset', 'n_offset']);

/** Reads what stands between `{{` and `}}`: `name:value` pairs with spaces between them. */
export function parseHistogram(body: string, line: number): { histogram: FloatHistogram; hintGiven: boolean } {
  const fields = fieldsOf(body, line);
  const number = (name: string) => numberOf(fields.get(name) ?? '0', name, line);
  const list = (name: string) => {
    const text = fields.get(name);
    return Float64Array.from(text === undefined ? [] : listOf(text, name, line));
  };
  const positiveBuckets = list('buckets');
  const negativeBuckets = list('n_buckets');
  const spans = (buckets: Float64Array, offset: number): Span[] =>
    buckets.length === 0 ? [] : [{ offset, length: buckets.length }];
  const hint = fields.get('counter_reset_hint')?.toLowerCase();
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

/** Names are read in any case, as Prometheus does. */
function fieldsOf(body: string, line: number): Map<string, string> {
  const fields = new Map<string, string>();
  const pattern = /([a-z_]+):(\[[^\]]*\]|[^\s[\]]+)(?:\s+|$)/giy;
  let end = 0;
  for (const match of body.matchAll(pattern)) {
    const name = match[1]!.toLowerCase();
    if (!FIELDS.has(name)) throw new ScriptError(line, `unknown field "${name}" of a histogram`);
    if (fields.has(name)) throw new ScriptError(line, `field "${name}" of a histogram twice`);
    fields.set(name, match[2]!);
    end = match.index + match[0].length;
  }
  if (body.slice(end).trim() !== '') throw new ScriptError(line, `bad histogram "${body}"`);
  return fields;
}

/** Numbers as the query language writes them, with a minus but no plus. */
function numberOf(text: string, name: string, line: number): number {
  const number =
    /^-?(?:[\d.]+|\d[\d_.e+-]*|inf|nan)$/i.test(text) && !/^-?\./.test(text)
      ? parseNumber(text.replace(/^-/, ''))
      : undefined;
  const isWhole = !WHOLE_NUMBERS.has(name) || /^-?\d+$/.test(text);
  if (number === undefined || 'error' in number || !isWhole)
    throw new ScriptError(line, `bad number "${text}" in "${name}" of a histogram`);
  return text.startsWith('-') ? -number.value : number.value;
}

function listOf(text: string, name: string, line: number): number[] {
  const match = /^\[(\S[^\]]*)\]$/.exec(text);
  if (match === null)
    throw new ScriptError(line, `expected "[number ...]" in "${name}" of a histogram, found "${text}"`);
  return match[1]!
    .trim()
    .split(/\s+/)
    .map((item) => numberOf(item, name, line));
}
