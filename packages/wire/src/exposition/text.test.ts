import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from '../errors.ts';
import { mutate, mutations } from '../mutate.testing.ts';
import { type ExpositionFormat, expositionFormatOf, scrapeAccept } from './format.ts';
import { beginExposition, parseExposition } from './parse.ts';
import type { ExpositionSamples } from './samples.ts';

function rows(samples: ExpositionSamples) {
  return Array.from({ length: samples.count }, (_, i) => ({
    labels: samples.labels(i),
    value: samples.values[i]!,
    timestampMs: samples.timestamps[i]!,
  }));
}

const parseText = (text: string) => parseExposition(Buffer.from(text), 'text');

const metricName = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,10}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/).filter((name) => name !== '__name__');
const anyText = fc.string({ unit: 'grapheme', maxLength: 12 });
const row = fc.record({
  name: fc.oneof(
    metricName,
    anyText.filter((name) => name !== ''),
  ),
  labels: fc.uniqueArray(
    fc.tuple(
      fc.oneof(
        labelName,
        anyText.filter((name) => name !== '__name__'),
      ),
      anyText,
    ),
    {
      selector: ([name]) => name,
      maxLength: 4,
    },
  ),
  value: fc.double(),
  timestampMs: fc.oneof(fc.constant(Number.NaN), fc.maxSafeInteger()),
  blank: fc.constantFrom('', ' ', '\t '),
});

const quote = (text: string) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
const isPlain = (name: string, pattern: RegExp) => pattern.test(name);

function render({
  name,
  labels,
  value,
  timestampMs,
  blank,
}: typeof row extends fc.Arbitrary<infer T> ? T : never): string {
  const isPlainName = isPlain(name, /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
  const parts = labels.map(([label, text]) => {
    const shown = isPlain(label, /^[a-zA-Z_][a-zA-Z0-9_]*$/) ? label : quote(label);
    return `${shown}${blank}=${blank}${quote(text)}`;
  });
  const set = isPlainName ? parts : [quote(name), ...parts];
  const number = Object.is(value, -0) ? '-0' : String(value).replace('Infinity', 'Inf');
  const time = Number.isNaN(timestampMs) ? '' : ` ${timestampMs}`;
  return `${blank}${isPlainName ? name : ''}{${blank}${set.join(`${blank},${blank}`)}${blank}} ${number}${time}${blank}\n`;
}

describe('the text format', () => {
  it('gives back what was rendered, quoted names and blanks included', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), (list) => {
        const expected = list.map(({ name, labels, value, timestampMs }) => ({
          labels: ['__name__', name, ...labels.flat()],
          value,
          timestampMs,
        }));
        expect(rows(parseText(list.map(render).join('')))).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes any bytes in both formats, or throws a WireError that names the line', () => {
    const sound = Buffer.from(
      '# HELP a text\n# TYPE a histogram\na_bucket{le="1",x="é"} 1 5 # {a="b"} 1 2\na_bucket{le="+Inf",x="é"} 1\n' +
        'a_count{x="é"} 1\na_sum{x="é"} 0.5\n# UNIT b_s s\n{"b_s","q.r"="\\n"} 1e5 17\n# EOF\n',
    );
    const bodies = fc.oneof(
      mutations.map((list) => mutate(sound, list)),
      fc.uint8Array({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(bodies, fc.constantFrom<ExpositionFormat>('text', 'openmetrics'), (body, format) => {
        try {
          rows(parseExposition(body, format));
        } catch (error) {
          if (!isWireError(error)) throw error;
          expect(error.message).toMatch(/^line \d+: |not unique/);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('takes comments, empty lines and metadata in any order', () => {
    const samples = parseText(
      '\n#comment\n# another {\n# HELPless\n# HELP a  first\\nline \\\\ \\" \n# TYPE a counter\na 1\n  # TYPE\t b untyped\nb 2\n' +
        '# UNIT a seconds\n# TYPE "c.d" gauge\n# HELP e\n# EOF\na 3',
    );
    expect(rows(samples).map(({ labels, value }) => [labels[1], value])).toEqual([
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ]);
    expect(samples.metadata).toEqual([
      { family: 'a', type: 'counter', help: 'first\nline \\ \\" ', unit: '' },
      { family: 'b', type: 'unknown', help: '', unit: '' },
      { family: 'c.d', type: 'gauge', help: '', unit: '' },
      { family: 'e', type: 'unknown', help: '', unit: '' },
    ]);
  });

  it('takes a comma before the brace and a value right after it', () => {
    expect(rows(parseText('a{b="c",}1\na{}2\n'))).toEqual([
      { labels: ['__name__', 'a', 'b', 'c'], value: 1, timestampMs: Number.NaN },
      { labels: ['__name__', 'a'], value: 2, timestampMs: Number.NaN },
    ]);
  });

  it.each([
    ['a\n', 'line 1: expected value after metric, got end of line'],
    ['ok 1\n\na{b="c"} x\n', 'line 3: expected value after metric, got "x" while parsing: "a{b=\\"c\\"} "'],
    ['a 1 1.5\n', 'expected timestamp or new record, got "1.5"'],
    ['a 1 99999999999999999999\n', 'expected timestamp or new record'],
    ['a 1 2 3\n', 'expected next entry after timestamp, got "3"'],
    ['a{b=c} 1\n', 'expected label value, got "c}"'],
    ['a{b="c} 1\n', 'unterminated quoted string'],
    ['a{b="c" d="e"} 1\n', 'expected comma or brace close, got "d=\\"e\\"}"'],
    ['a{,} 1\n', 'expected label name, got ",}"'],
    ['{b="c"} 1\n', 'metric name not set'],
    ['{""} 1\n', 'metric name is empty'],
    ['1a 1\n', 'expected a valid start token, got "1a"'],
    ['# TYPE a meh\n', 'invalid metric type "meh"'],
    ['a 1 # {b="c"} 1\n', 'expected timestamp or new record, got "#"'],
    ['a 1\r\n', 'expected value after metric'],
  ])('refuses %j', (text, message) => expect(() => parseText(text)).toThrow(message));

  it('refuses a label that occurs twice, when its labels are asked for', () => {
    const samples = parseText('a{b="1",b="2"} 1\n');
    expect(() => samples.labels(0)).toThrow('label name "b" is not unique: invalid sample');
  });

  it('goes on in steps', () => {
    const body = Buffer.from('# TYPE a gauge\na 1\na 2 5\n# EOF\nb 3');
    const parse = beginExposition(body, 'text');
    let steps = 1;
    while (!parse.parseLines(2)) steps++;
    expect(steps).toBe(3);
    expect(rows(parse.finish())).toEqual(rows(parseExposition(body, 'text')));
  });

  it('grows its columns', () => {
    const samples = parseText(Array.from({ length: 5000 }, (_, i) => `a ${i}\n`).join(''));
    expect([samples.count, samples.values[4999]]).toEqual([5000, 4999]);
  });
});

describe('formats of a scrape', () => {
  it.each([
    ['text/plain; version=0.0.4; charset=utf-8', undefined, 'text'],
    ['text/plain;version=1.0.0;escaping=allow-utf-8', undefined, 'text'],
    ['Application/OpenMetrics-Text; version=1.0.0', undefined, 'openmetrics'],
    ['text/html', undefined, undefined],
    ['text/html', 'text', 'text'],
    [undefined, undefined, undefined],
    ['', 'openmetrics', 'openmetrics'],
  ] as const)('%s, fallback %s: %s', (contentType, fallback, format) => {
    expect(expositionFormatOf(contentType, fallback)).toBe(format);
  });

  it('are asked for in order of preference', () => {
    const accept = scrapeAccept(['PrometheusProto', 'OpenMetricsText1.0.0', 'PrometheusText0.0.4']);
    const qualities = [...accept.matchAll(/q=(0\.\d)/g)].map(([, quality]) => Number(quality));
    expect(qualities).toEqual([...qualities].sort().reverse());
  });
});

it('finds a label that comes twice among very many', () => {
  const many = Array.from({ length: 200_000 }, (_, i) => `l${i}="v"`);
  const labelsOf = (labels: readonly string[]) =>
    parseExposition(Buffer.from(`m{${labels.join()}} 1\n`), 'text').labels(0);
  expect(labelsOf(many)).toHaveLength(400_002);
  expect(() => labelsOf([...many, 'l7="v"'])).toThrow('label name "l7" is not unique');
  expect(() => labelsOf([...many, '__name__="v"'])).toThrow('label name "__name__" is not unique');
});
