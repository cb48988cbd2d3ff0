/** Generates PromQL text for tests: mostly valid expressions of the whole language, and broken variants of them. */
export interface QueryGenerator {
  /** An expression that follows the grammar; types need not fit. */
  expression(): string;
  /** The same with a few tokens or characters dropped, doubled, swapped, replaced or cut off. */
  broken(): string;
}

const PLAIN_METRICS = ['foo', 'bar:baz', 'up', 'bool_x', 'x'];
const METRICS = [...PLAIN_METRICS, 'sum', 'start', 'offset', 'by', 'min_of', 'Avg', 'fill', 'anchored'];
const LABELS = ['job', 'le', 'on', '__name__', 'by', '"a.b"', "'ü'", 'step', 'bool'];
const STRINGS = ['""', '"a"', "'it\\'s'", '`raw\\`', '"\\xff\\u00fc\\n"', '"ü"', '"a|b"', '"x.*"', '".+"', '"(a|b)c"'];
const REGEXES = ['""', '"a|b"', '"x.*"', '".+"', '"(a|b)c"', '`\\d+`', '"(?i)up"', '"["', '"a{2}"'];
const PLAIN_NUMBERS = ['1', '0', '2.5', '.5', '1e3', '0x1F', '0755', 'Inf', 'nan', '1e-3', '123456789012'];
const NUMBERS = [...PLAIN_NUMBERS, '5.', '1_000'];
const DURATIONS = ['5m', '1h30m', '2w', '1y', '90s', '1500ms', '1d12h'];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const OPERATORS = [...ARITHMETIC, ...COMPARISONS, '</', '>/'];
const SET_OPERATORS = ['and', 'or', 'unless', 'AND'];
const AGGREGATIONS = ['sum', 'avg', 'COUNT', 'min', 'max', 'group', 'stddev', 'stdvar'];
const PARAMETER_AGGREGATIONS = ['topk', 'bottomk', 'quantile', 'limitk', 'limit_ratio'];
const VECTOR_FUNCTIONS = ['abs', 'ceil', 'sort', 'absent', 'histogram_count', 'timestamp', 'start_timestamp'];
const RANGE_FUNCTIONS = ['rate', 'increase', 'sum_over_time', 'changes', 'mad_over_time', 'deriv', 'last_over_time'];
const JUNK = [
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '=',
  '=~',
  '!',
  '"',
  "'",
  '`',
  '@',
  '#',
  '\n',
  ' ',
  '\\',
  'é',
  '1x',
];

/** Pseudo-random numbers in [0, 1) that depend on the seed only. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** With `plain`, without keywords as metric names and other forms that not every PromQL parser knows. */
export function createQueryGenerator(seed: number, { plain = false } = {}): QueryGenerator {
  const random = createRandom(seed);
  const chance = (probability: number): boolean => random() < probability;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const oneOf = (...makers: readonly (() => string)[]): string => pick(makers)();
  const maybe = (probability: number, make: () => string): string => (chance(probability) ? make() : '');
  const list = (max: number, make: () => string): string =>
    Array.from({ length: Math.floor(random() * (max + 1)) }, make).join(pick([',', ', ', ' , ']));

  const matcher = (): string =>
    oneOf(
      () => maybe(0.3, () => pick(STRINGS)) || `${pick(LABELS)}="a"`,
      () => `${pick(LABELS)}${pick(['=', '!=', ' = '])}${pick(STRINGS)}`,
      () => `${pick(LABELS)}${pick(['=~', '!~'])}${pick(REGEXES)}`,
    );
  const braces = (): string => `{${list(3, matcher)}${maybe(0.1, () => ',')}}`;
  const selector = (): string =>
    chance(0.2) ? braces() : `${pick(plain ? PLAIN_METRICS : METRICS)}${maybe(0.4, braces)}`;
  const number = (): string => pick(chance(0.5) ? DURATIONS : plain ? PLAIN_NUMBERS : NUMBERS);
  const sign = (): string => maybe(0.25, () => pick(['-', '+', '- ']));

  const durationExpr = (depth: number): string => {
    if (depth <= 0 || chance(0.4)) return pick([...DURATIONS, '300', '2', '1.5', '0x1F']);
    return oneOf(
      () => pick(['step()', 'range()', plain ? 'step( )' : 'STEP ( )']),
      () =>
        plain ? 'range()' : `${pick(['min_of', 'max_of'])}(${durationExpr(depth - 1)}, ${durationExpr(depth - 1)})`,
      () => `(${durationExpr(depth - 1)})`,
      () => `${pick(['-', '+'])}${durationExpr(depth - 1)}`,
      () => `${durationExpr(depth - 1)} ${pick(['+', '-', '*', '/', '%', '^'])} ${durationExpr(depth - 1)}`,
    );
  };
  const duration = (): string => (chance(0.6) ? pick(DURATIONS) : durationExpr(2));
  const modifier = (): string =>
    oneOf(
      () => ` offset ${sign()}${duration()}`,
      () => ` @ ${pick(['1234', '-5.5', 'start()', 'end()', '5m', '1e3'])}`,
      () => pick([' anchored', ' smoothed']),
    );
  const modifiers = (): string => maybe(0.2, modifier) + maybe(0.08, modifier);
  const rangeSelector = (): string => `${selector()}[${duration()}]${modifiers()}`;

  const grouping = (): string => `${pick(['by', 'without', 'BY'])} (${list(2, () => pick(LABELS))})`;
  const labels = (): string => `(${list(2, () => pick(LABELS))})`;
  const aggregation = (depth: number): string => {
    const [op, param] = operator();
    const body = `(${param}${vector(depth - 1)})`;
    return oneOf(
      () => `${op}${body}`,
      () => `${op} ${grouping()} ${body}`,
      () => `${op}${body} ${grouping()}`,
    );
  };
  const operator = (): readonly [op: string, param: string] => {
    if (chance(0.6)) return [pick(AGGREGATIONS), ''];
    return chance(0.3) ? ['count_values', `${pick(STRINGS)}, `] : [pick(PARAMETER_AGGREGATIONS), `${scalar(1)}, `];
  };
  const on = (): string => `${maybe(0.25, () => ` ${pick(['on', 'ignoring'])} ${labels()}`)}`;
  const group = (): string => ` ${pick(['on', 'ignoring'])} ${labels()} ${pick(['group_left', 'group_right'])}`;
  const fill = (): string => ` ${pick(['fill', 'fill_left', 'fill_right'])}(${sign()}${number()})`;
  const vectorBinary = (depth: number): string => {
    const sides = [vector(depth - 1), vector(depth - 1)];
    return oneOf(
      () => sides.join(` ${pick(SET_OPERATORS)}${on()} `),
      () => sides.join(` ${pick(OPERATORS)}${on()}${maybe(0.1, fill)} `),
      () => sides.join(` ${pick(OPERATORS)}${group()}${maybe(0.6, labels)}${maybe(0.1, fill)} `),
      () => sides.join(` ${pick(COMPARISONS)} bool${on()} `),
      () => `${scalar(depth - 1)} ${pick(OPERATORS)} ${vector(depth - 1)}`,
      () => `${vector(depth - 1)} ${pick(COMPARISONS)} bool ${scalar(depth - 1)}`,
    );
  };
  const vectorCall = (depth: number): string =>
    oneOf(
      () => `${pick(VECTOR_FUNCTIONS)}(${vector(depth - 1)})`,
      () => `${pick(RANGE_FUNCTIONS)}(${matrix(depth - 1)})`,
      () => `quantile_over_time(${scalar(1)}, ${matrix(depth - 1)})`,
      () => `label_replace(${vector(depth - 1)}, "a", "$1", "b", ${pick(STRINGS)})`,
      () => `${pick(['round', 'clamp_max', 'clamp_min'])}(${vector(depth - 1)}, ${scalar(1)})`,
      () => `hour(${maybe(0.5, () => vector(depth - 1))})`,
      () => `info(${vector(depth - 1)}, ${chance(0.8) ? braces() : vector(0)})`,
      () => `vector(${scalar(depth - 1)})`,
    );

  const any = (depth: number): string =>
    oneOf(
      () => vector(depth),
      () => scalar(depth),
      () => matrix(depth),
      () => pick(STRINGS),
      () => `${pick(VECTOR_FUNCTIONS)}(${list(2, () => any(depth - 1))})`,
    );
  const matrix = (depth: number): string => {
    if (chance(0.03)) return any(depth - 1);
    if (depth <= 0 || chance(0.7)) return rangeSelector();
    return `${vector(depth - 1)}[${duration()}:${maybe(0.5, duration)}]${modifiers()}`;
  };
  const scalar = (depth: number): string => {
    if (chance(0.03)) return any(depth - 1);
    if (depth <= 0) return number();
    return oneOf(
      number,
      () => `${pick(['time', 'pi', 'start', 'end', 'step', 'range'])}()`,
      () => (plain ? 'pi()' : `${pick(['max_of', 'min_of'])}(${scalar(depth - 1)}, ${scalar(depth - 1)})`),
      () => `scalar(${vector(depth - 1)})`,
      () => `${scalar(depth - 1)} ${pick(ARITHMETIC)} ${scalar(depth - 1)}`,
      () => `${scalar(depth - 1)} ${pick(COMPARISONS)} bool ${scalar(depth - 1)}`,
      () => `(${scalar(depth - 1)})`,
      () => `${pick(['-', '+'])}${scalar(depth - 1)}`,
    );
  };
  const vector = (depth: number): string => {
    if (chance(0.03)) return any(depth - 1);
    if (depth <= 0) return selector() + modifiers();
    return oneOf(
      () => selector() + modifiers(),
      () => vectorCall(depth),
      () => vectorCall(depth),
      () => aggregation(depth),
      () => aggregation(depth),
      () => vectorBinary(depth),
      () => vectorBinary(depth),
      () => `(${vector(depth - 1)})`,
      () => `${pick(['-', '+'])}${vector(depth - 1)}`,
      () => `${vector(depth - 1)}${maybe(0.2, () => ' # note\n')}`,
    );
  };
  const expr = (depth: number): string => pick([vector, vector, vector, scalar, matrix])(depth);

  const expression = (): string => expr(1 + Math.floor(random() * 3));
  const splitTokens = (query: string): string[] => query.match(/[a-zA-Z_0-9.]+|\s+|[^\sa-zA-Z_0-9.]/gu) ?? [];
  const breakOnce = (query: string): string => {
    const tokens = splitTokens(query);
    const at = Math.floor(random() * tokens.length);
    switch (Math.floor(random() * 7)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, pick(JUNK));
        break;
      case 2:
        tokens.splice(at, 1, pick(JUNK));
        break;
      case 3:
        tokens.splice(at, 0, tokens[at] ?? '', ' ');
        break;
      case 4:
        tokens.length = at;
        break;
      case 5:
        tokens.splice(at, 0, pick(splitTokens(expression())));
        break;
      default:
        return query.slice(0, at) + query.slice(at + 1);
    }
    return tokens.join('');
  };
  const broken = (): string => {
    let query = breakOnce(expression());
    while (chance(0.3)) query = breakOnce(query);
    return query;
  };
  return { expression, broken };
}
