import { type FunctionSignature, functions, type SeriesColumns } from '@opendata/promql';
import { chance, pick, type Random } from './random.ts';

const RANGES = ['1m', '5m', '30s', '2m', '10m', '1h', '90s', '5m1s', '3m:30s', '10m:1m', '20s', '15s'];
const NUMBERS = ['0', '1', '-1', '2', '0.5', '0.9', '0.01', '3', '100', 'NaN', 'Inf', '-Inf', '-0.1', '1.5'];
const OPERATORS = '+ - * / % ^ atan2 == != < <= > >= </ >/ and or unless'.split(' ');
const AGGREGATIONS =
  'sum avg min max count group stddev stdvar topk bottomk limitk limit_ratio quantile count_values'.split(' ');
const MODIFIERS = ['', '', '', '', '', ' offset 1m', ' offset -30s', ' @ 60', ' @ 600', ' @ end()', ' @ start()'];

/** Every label name of the series, with the values it takes. */
function labelsOf(columns: readonly SeriesColumns[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { labels } of columns) {
    for (let i = 0; i < labels.length; i += 2) {
      const values = found.get(labels[i]!) ?? new Set();
      found.set(labels[i]!, values.add(labels[i + 1]!));
    }
  }
  return new Map([...found].map(([name, values]) => [name, [...values]]));
}

const quoted = (text: string) => JSON.stringify(text);
const labelName = (name: string) => (/^[a-zA-Z_]\w*$/.test(name) ? name : quoted(name));

/** Makes queries of the metrics and the labels that are there: every function, aggregation and operator. */
export function createStateExpressions(random: Random, columns: readonly SeriesColumns[]): () => string {
  const labels = labelsOf(columns);
  const metrics = labels.get('__name__') ?? ['none'];
  const names = [...labels.keys()].filter((name) => name !== '__name__');
  if (names.length === 0) names.push('missing');
  const calls = [...functions.values()];

  const body = (): string => {
    if (chance(random, 0.04)) return `{__name__=~${quoted(`${pick(random, metrics)}|${pick(random, metrics)}`)}}`;
    const metric = pick(random, metrics);
    const matchers = /^[a-zA-Z_:][\w:]*$/.test(metric) ? [] : [quoted(metric)];
    if (chance(random, 0.25)) {
      const name = pick(random, names);
      const value = quoted(pick(random, labels.get(name) ?? ['']));
      matchers.push(`${labelName(name)}${pick(random, ['=', '=', '!=', '=~'])}${value}`);
    }
    const isPlain = !matchers[0]?.startsWith('"');
    return `${isPlain ? metric : ''}${matchers.length > 0 ? `{${matchers.join()}}` : ''}`;
  };
  const matrix = (): string => {
    const extension = chance(random, 0.12) ? pick(random, [' anchored', ' smoothed']) : '';
    const range = pick(random, RANGES);
    return `${body()}[${range}]${range.includes(':') ? '' : extension}${pick(random, MODIFIERS)}`;
  };
  const scalar = (): string =>
    chance(random, 0.9) ? pick(random, NUMBERS) : pick(random, ['time()', `scalar(${body()})`]);
  const list = (): string => [...new Set([pick(random, names), pick(random, names)])].map(labelName).join(', ');

  const call = ({ name, argTypes, variadic }: FunctionSignature, depth: number): string => {
    if (name === 'label_replace')
      return `label_replace(${vector(depth)}, ${quoted(pick(random, ['x', '__name__', ...names]))}, "a$1", ${quoted(pick(random, names))}, ${quoted(pick(random, ['(.*)', '(.).*', '', '(', 'x|(.*)']))})`;
    if (name === 'info')
      return `info(${vector(depth)}${chance(random, 0.5) ? '' : `, {${labelName(pick(random, names))}=~".+"}`})`;
    let types = argTypes;
    if (variadic !== 0 && chance(random, 0.5)) types = types.slice(0, -1);
    else if (variadic < 0 && chance(random, 0.5)) types = [...types, types.at(-1)!];
    const args = types.map((type) => {
      if (type === 'vector') return vector(depth);
      if (type === 'matrix') return matrix();
      return type === 'string' ? quoted(pick(random, names)) : scalar();
    });
    return `${name}(${args.join(', ')})`;
  };
  const aggregation = (depth: number): string => {
    const op = pick(random, AGGREGATIONS);
    const grouping = chance(random, 0.5) ? '' : ` ${pick(random, ['by', 'without'])} (${list()}) `;
    if (AGGREGATIONS.indexOf(op) < 8) return `${op}${grouping}(${vector(depth)})`;
    const parameter = op === 'count_values' ? quoted(pick(random, ['v', ...names])) : scalar();
    return `${op}${grouping}(${parameter}, ${vector(depth)})`;
  };
  const binary = (depth: number): string => {
    const op = pick(random, OPERATORS);
    const isSet = /^(?:and|or|unless)$/.test(op);
    if (!isSet && chance(random, 0.35))
      return chance(random, 0.7) ? `(${vector(depth)}) ${op} ${scalar()}` : `${scalar()} ${op} (${vector(depth)})`;
    let text = /[=<>]/.test(op) && !op.includes('/') && chance(random, 0.3) ? `${op} bool` : op;
    if (chance(random, 0.5)) text += ` ${pick(random, ['on', 'ignoring'])} (${list()})`;
    if (!isSet && text.includes('(') && chance(random, 0.4))
      text += pick(random, [' group_left', ' group_right', ' group_left ()']);
    if (!isSet && chance(random, 0.15))
      text += pick(random, [' fill (0)', ' fill_left (1)', ' fill_right (2)', ' fill (NaN)']);
    const left = chance(random, 0.5) ? body() : `(${vector(depth)})`;
    return `${left} ${text} ${chance(random, 0.5) ? left : `(${vector(depth)})`}`;
  };
  const vector = (depth: number): string => {
    if (depth <= 0) return body() + pick(random, MODIFIERS);
    const kind = random();
    if (kind < 0.55) return call(pick(random, calls), depth - 1);
    if (kind < 0.75) return aggregation(depth - 1);
    return kind < 0.95 ? binary(depth - 1) : body() + pick(random, MODIFIERS);
  };
  return () => vector(pick(random, [1, 1, 1, 2, 2]));
}
