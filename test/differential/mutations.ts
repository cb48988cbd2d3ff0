import { functions } from '@opendata/promql';
import { chance, pick, type Random } from './random.ts';

const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[a-zA-Z_:][\w:.]*|0x[\da-fA-F]+|\d[\w.]*(?:[eE][+-]?\d+)?|<\/|>\/|[=!<>]=|[=!]~|\s+|./gs;

const DURATION = /^(?:\d+(?:ms|[smhdwy]))+$/;
const DURATIONS = ['1ms', '1s', '10s', '30s', '90s', '1m', '2m', '5m', '5m1s', '7m', '10m', '20m', '1h', '0s'];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '2',
  '0.5',
  '0.1',
  '0.9',
  '3',
  '10',
  '-2.5',
  '100',
  '1e3',
  'NaN',
  'Inf',
  '-Inf',
  '1e-9',
];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2', '</', '>/'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];

const FAMILIES: readonly (readonly string[])[] = [
  ['and', 'or', 'unless'],
  AGGREGATIONS,
  ['topk', 'bottomk', 'limitk', 'quantile', 'limit_ratio'],
  ['by', 'without'],
  ['on', 'ignoring'],
  ['group_left', 'group_right'],
  ['fill', 'fill_left', 'fill_right'],
  ['anchored', 'smoothed', ''],
  ['bool', ''],
  ['start', 'end'],
  ...functionFamilies(),
];

/** Functions that take the same arguments. */
function functionFamilies(): string[][] {
  const families = new Map<string, string[]>();
  for (const { name, argTypes, variadic, returnType } of functions.values()) {
    const key = `${argTypes.join()} ${variadic !== 0} ${returnType}`;
    const family = families.get(key);
    if (family === undefined) families.set(key, [name]);
    else family.push(name);
  }
  return [...families.values()].filter((family) => family.length > 1);
}

const FRAMES: readonly ((query: string) => string)[] = [
  (q) => `sum(${q})`,
  (q) => `avg by (le, job) (${q})`,
  (q) => `-(${q})`,
  (q) => `(${q}) * 2`,
  (q) => `2 / (${q})`,
  (q) => `(${q}) > 1`,
  (q) => `(${q}) == (${q})`,
  (q) => `(${q}) + on () group_left vector(1)`,
  (q) => `count_values("v", ${q})`,
  (q) => `count without (instance) (${q})`,
  (q) => `histogram_count(${q})`,
  (q) => `histogram_sum(${q})`,
  (q) => `histogram_avg(${q})`,
  (q) => `histogram_quantile(0.3, ${q})`,
  (q) => `histogram_fraction(0, 1.5, ${q})`,
  (q) => `histogram_stddev(${q})`,
  (q) => `timestamp(${q})`,
  (q) => `absent(${q})`,
  (q) => `scalar(${q})`,
  (q) => `sort_desc(${q})`,
  (q) => `topk(2, ${q})`,
  (q) => `label_replace(${q}, "x", "$1", "__name__", "(.*)")`,
  (q) => `max_over_time((${q})[5m:1m])`,
  (q) => `rate((${q})[10m:1m])`,
  (q) => `last_over_time((${q})[3m:30s])`,
  (q) => `(${q}) or vector(1)`,
  (q) => `(${q}) unless vector(1)`,
  (q) => `(${q}) </ 1`,
  (q) => `(${q}) >/ 0.3`,
];

/** The query with one thing or a few changed; often it makes no sense any more. */
export function mutated(random: Random, query: string): string {
  let text = query;
  do {
    text = chance(random, 0.2) ? pick(random, FRAMES)(text) : withOtherToken(random, text);
  } while (chance(random, 0.35));
  return text;
}

function withOtherToken(random: Random, query: string): string {
  const tokens = query.match(TOKEN) ?? [];
  const choices: (readonly [at: number, texts: readonly string[]])[] = [];
  for (const [at, token] of tokens.entries()) {
    const texts = alternatives(token);
    if (texts !== undefined) choices.push([at, texts]);
  }
  if (choices.length === 0) return query;
  const [at, texts] = pick(random, choices);
  tokens[at] = pick(random, texts);
  return tokens.join('');
}

function alternatives(token: string): readonly string[] | undefined {
  if (DURATION.test(token)) return DURATIONS;
  if (/^\d/.test(token)) return NUMBERS;
  if (ARITHMETIC.includes(token)) return ARITHMETIC;
  if (COMPARISONS.includes(token)) return COMPARISONS;
  return FAMILIES.find((family) => token !== '' && family.includes(token));
}
