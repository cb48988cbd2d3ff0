import { DATA_END_MS, DATA_START_MS } from './data.ts';
import { between, chance, pick, pickWeighted, type Random } from './random.ts';

/** What generated expressions may use beyond the language that Prometheus 2.42 knows. */
export interface ExpressionOptions {
  /** Experimental functions, fill modifiers, anchored and smoothed selectors, duration expressions. */
  readonly newest: boolean;
  /** Native histograms are in the data: their functions and operators appear. */
  readonly histograms: boolean;
}

type Generator = (gen: ExpressionGenerator, depth: number) => string;

/** Makes type-correct expressions over the generated data, as text. */
export interface ExpressionGenerator {
  readonly random: Random;
  readonly options: ExpressionOptions;
  vector(depth: number): string;
  matrix(depth: number): string;
  scalar(depth: number): string;
}

const LABELS = ['job', 'instance', 'code', 'room', 'le', 'kind', '__name__', 'missing'];

const METRICS: readonly string[] = [
  'up',
  'requests_total',
  'requests_total',
  'errors_total',
  'temperature',
  'temperature',
  'constant',
  'latency_bucket',
  'latency_count',
  'latency_sum',
  'twin_a',
  'twin_b',
  'special',
  'sparse',
  'on_grid',
  'build_info',
  'target_info',
  'nonexistent',
];

const MATCHERS: readonly string[] = [
  'job="api"',
  'job="db"',
  'job!="db"',
  'job=~"a.*"',
  'instance="i1"',
  'instance=~"i1|i2"',
  'instance!~"i1"',
  'code="404"',
  'code=~"4..|5.."',
  'code!=""',
  'missing=""',
  'room="hall"',
  'le="+Inf"',
  'le!="1"',
];

const DURATIONS = ['15s', '30s', '1m', '90s', '2m', '5m', '10m', '37s', '1m1ms', '20m'];
const SHORT_DURATIONS = ['15s', '30s', '1m', '47s', '2m'];
const OFFSETS = ['1m', '5m', '-1m', '30s', '7s', '-3m', '15m'];

export function createExpressions(random: Random, options: ExpressionOptions): ExpressionGenerator {
  const gen: ExpressionGenerator = {
    random,
    options,
    vector: (depth) => (depth <= 0 ? selector(gen) : pickWeighted(random, VECTORS)(gen, depth)),
    matrix: (depth) => (depth <= 0 || chance(random, 0.7) ? rangeSelector(gen) : subquery(gen, depth)),
    scalar: (depth) => (depth <= 0 ? number(random) : pickWeighted(random, SCALARS)(gen, depth)),
  };
  return gen;
}

/** One whole query: mostly an instant vector, now and then a scalar. */
export function generateExpression(gen: ExpressionGenerator): string {
  const depth = pickWeighted(gen.random, [
    [3, 1],
    [4, 2],
    [3, 3],
    [1, 4],
  ]);
  return chance(gen.random, 0.95) ? gen.vector(depth) : gen.scalar(depth);
}

function number(random: Random): string {
  return pick(random, ['0', '1', '2', '-1', '0.5', '3', '10', '100', '1e3', 'NaN', 'Inf', '-Inf', '0.25', '1.5', '5m']);
}

function quantile(random: Random): string {
  return pick(random, ['0', '1', '0.5', '0.9', '0.99', '0.1', '-1', '2', 'NaN', '0.75']);
}

function at(gen: ExpressionGenerator): string {
  const { random } = gen;
  if (chance(random, 0.2)) return ` @ ${pick(random, ['start()', 'end()'])}`;
  const seconds = between(random, DATA_START_MS / 1000, DATA_END_MS / 1000);
  return ` @ ${seconds}${chance(random, 0.3) ? '.5' : ''}`;
}

function modifiers(gen: ExpressionGenerator): string {
  const { random, options } = gen;
  let text = '';
  if (chance(random, 0.12)) {
    text += ` offset ${options.newest && chance(random, 0.15) ? durationExpression(random, false) : pick(random, OFFSETS)}`;
  }
  if (chance(random, 0.08)) text = chance(random, 0.5) ? at(gen) + text : text + at(gen);
  return text;
}

function durationExpression(random: Random, positive: boolean): string {
  const literal = () => pick(random, ['30s', '1m', '2m', '90', '150.5']);
  const call = () => pick(random, ['step()', 'range()', 'min_of(step(), 2m)', 'max_of(1m, step())']);
  const term = () => (chance(random, 0.5) ? literal() : call());
  if (positive) {
    return pick(random, [
      `${literal()} + ${term()}`,
      `${literal()} * 2`,
      `max_of(${literal()}, ${call()})`,
      `(${literal()} + ${literal()}) / 2`,
      `1m + ${term()} % 1m`,
      `2 ^ 6`,
    ]);
  }
  return pick(random, [`(${term()} - ${term()})`, `(-${literal()})`, `(${term()} * 2)`, '(step())', '(-step() / 2)']);
}

function rangeText(gen: ExpressionGenerator): string {
  const { random, options } = gen;
  return options.newest && chance(random, 0.06) ? durationExpression(random, true) : pick(random, DURATIONS);
}

function selectorBody(gen: ExpressionGenerator): string {
  const { random, options } = gen;
  if (chance(random, 0.03)) {
    return pick(random, [
      '{__name__=~"twin_.*"}',
      '{__name__=~"requests_total|errors_total"}',
      '{__name__=~".+_total", job="api"}',
      '{job="db"}',
      ...(options.newest ? ['{"http.load"}', '{"http.load", "region.name"=~"eu.*"}'] : []),
    ]);
  }
  const metric =
    options.histograms && chance(random, 0.25)
      ? pick(random, ['native', 'native', 'native_custom', 'mixed'])
      : pick(random, METRICS);
  const matchers: string[] = [];
  while (chance(random, 0.2)) matchers.push(pick(random, MATCHERS));
  return matchers.length === 0 ? metric : `${metric}{${matchers.join(chance(random, 0.5) ? ',' : ', ')}}`;
}

function selector(gen: ExpressionGenerator): string {
  const smoothed = gen.options.newest && chance(gen.random, 0.03) ? ' smoothed' : '';
  return selectorBody(gen) + smoothed + modifiers(gen);
}

function rangeSelector(gen: ExpressionGenerator): string {
  return `${selectorBody(gen)}[${rangeText(gen)}]${modifiers(gen)}`;
}

/** Only some functions take an extended range. */
function extendedRange(gen: ExpressionGenerator, allowSmoothed: boolean): string {
  const kind = allowSmoothed && chance(gen.random, 0.5) ? 'smoothed' : 'anchored';
  return `${selectorBody(gen)}[${rangeText(gen)}] ${kind}${modifiers(gen)}`;
}

function subquery(gen: ExpressionGenerator, depth: number): string {
  const { random } = gen;
  const inner = gen.vector(Math.min(depth - 1, 2));
  const step = chance(random, 0.8) ? pick(random, SHORT_DURATIONS) : '';
  const wrapped = /^[a-z_]+(\{[^}]*\})?$/.test(inner) ? inner : `(${inner})`;
  return `${wrapped}[${rangeText(gen)}:${step}]${modifiers(gen)}`;
}

const SIMPLE_FUNCTIONS = (
  'abs ceil exp floor ln log10 log2 sgn sqrt acos acosh asin asinh atan atanh cos cosh deg rad sin sinh tan tanh ' +
  'timestamp day_of_month day_of_week day_of_year days_in_month hour minute month year absent sort sort_desc'
).split(' ');

const RANGE_FUNCTIONS = (
  'rate rate rate increase increase delta irate idelta deriv changes resets ' +
  'absent_over_time avg_over_time count_over_time last_over_time max_over_time min_over_time present_over_time ' +
  'stddev_over_time stdvar_over_time sum_over_time'
).split(' ');

const NEWEST_RANGE_FUNCTIONS =
  'first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time'.split(
    ' ',
  );

const AGGREGATIONS = 'sum sum avg count min max group stddev stdvar'.split(' ');

function grouping(random: Random): string {
  if (chance(random, 0.25)) return '';
  const labels: string[] = [];
  while (labels.length === 0 || chance(random, 0.35)) labels.push(pick(random, LABELS));
  if (chance(random, 0.05)) labels.pop();
  return ` ${pick(random, ['by', 'by', 'without'])} (${labels.join(', ')}) `;
}

const aggregation: Generator = (gen, depth) => {
  const { random } = gen;
  return `${pick(random, AGGREGATIONS)}${grouping(random)}(${gen.vector(depth - 1)})`;
};

const parameterAggregation: Generator = (gen, depth) => {
  const { random, options } = gen;
  const inner = gen.vector(depth - 1);
  const count = chance(random, 0.9) ? pick(random, ['1', '2', '3', '0', '100', '-1', '1.7']) : gen.scalar(depth - 1);
  const op = pick(random, [
    'topk',
    'bottomk',
    'quantile',
    'count_values',
    ...(options.newest ? ['limitk', 'limit_ratio'] : []),
  ]);
  const param =
    op === 'quantile'
      ? chance(random, 0.9)
        ? quantile(random)
        : gen.scalar(depth - 1)
      : op === 'count_values'
        ? pick(random, ['"value"', '"job"', '"__name__"'])
        : op === 'limit_ratio'
          ? pick(random, ['0.5', '-0.5', '0', '1', '-1', '2', '0.2', '-3', 'NaN'])
          : count;
  return `${op}${grouping(random)}(${param}, ${inner})`;
};

const simpleCall: Generator = (gen, depth) => `${pick(gen.random, SIMPLE_FUNCTIONS)}(${gen.vector(depth - 1)})`;

const rangeCall: Generator = (gen, depth) => {
  const { random, options } = gen;
  if (options.newest && chance(random, 0.08)) {
    if (chance(random, 0.5)) return `${pick(random, ['rate', 'increase', 'delta'])}(${extendedRange(gen, true)})`;
    return `${pick(random, ['rate', 'increase', 'delta', 'changes', 'resets'])}(${extendedRange(gen, false)})`;
  }
  const name =
    options.newest && chance(random, 0.15) ? pick(random, NEWEST_RANGE_FUNCTIONS) : pick(random, RANGE_FUNCTIONS);
  return `${name}(${gen.matrix(depth - 1)})`;
};

const otherCall: Generator = (gen, depth) => {
  const { random, options } = gen;
  const vector = () => gen.vector(depth - 1);
  const scalar = () => (chance(random, 0.8) ? number(random) : gen.scalar(depth - 1));
  const choices: (() => string)[] = [
    () => `clamp(${vector()}, ${scalar()}, ${scalar()})`,
    () => `clamp_max(${vector()}, ${scalar()})`,
    () => `clamp_min(${vector()}, ${scalar()})`,
    () => `round(${vector()}${chance(random, 0.5) ? `, ${scalar()}` : ''})`,
    () => `vector(${gen.scalar(depth - 1)})`,
    () => `${pick(random, ['hour', 'minute', 'month', 'year', 'day_of_week'])}()`,
    () => `predict_linear(${gen.matrix(depth - 1)}, ${scalar()})`,
    () =>
      `quantile_over_time(${chance(random, 0.8) ? quantile(random) : gen.scalar(depth - 1)}, ${gen.matrix(depth - 1)})`,
    () => `absent(${vector()})`,
    () => labelReplace(random, vector()),
    () => labelReplace(random, vector()),
    () => labelJoin(random, vector()),
  ];
  if (options.newest) {
    choices.push(
      () =>
        `integral(${gen.matrix(depth - 1)}${chance(random, 0.7) ? `, ${pick(random, ['0', '1', '2', scalar()])}` : ''})`,
      () =>
        `double_exponential_smoothing(${gen.matrix(depth - 1)}, ${pick(random, ['0.5', '0.1', '0.9', '1', '2'])}, 0.3)`,
      () =>
        `${pick(random, ['sort_by_label', 'sort_by_label_desc'])}(${vector()}, "${pick(random, LABELS)}", "instance")`,
      () => infoCall(random, vector()),
    );
  }
  return pick(random, choices)();
};

function labelReplace(random: Random, inner: string): string {
  const target = pick(random, ['job', 'dst', 'instance', '__name__', 'code', 'my label']);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of label_replace
  const replacement = pick(random, ['$1', 'x-$1', '', 'fixed', '${1}_z', '$2']);
  const pattern = pick(random, ['(.*)', '(a.*)', 'i(\\\\d)', '.*', '', '(', '(?P<x>.)(.*)']);
  return `label_replace(${inner}, "${target}", "${replacement}", "${pick(random, LABELS)}", "${pattern}")`;
}

function labelJoin(random: Random, inner: string): string {
  const sources = Array.from({ length: between(random, 0, 3) }, () => `, "${pick(random, LABELS)}"`).join('');
  return `label_join(${inner}, "${pick(random, ['dst', 'job', 'code', '__name__'])}", "${pick(random, ['-', ''])}"${sources})`;
}

function infoCall(random: Random, inner: string): string {
  const matchers = pick(random, [
    '',
    '',
    ', {version="1.0"}',
    ', {__name__="build_info"}',
    ', {__name__=~".*_info", build=~".+"}',
    ', {version=~".*"}',
  ]);
  return `info(${inner}${matchers})`;
}

const histogramCall: Generator = (gen, depth) => {
  const { random } = gen;
  const buckets = pick(random, [
    'latency_bucket',
    'rate(latency_bucket[5m])',
    'sum by (le) (rate(latency_bucket[5m]))',
    'sum by (job, le) (latency_bucket)',
    'increase(latency_bucket[2m])',
    'latency_bucket{le!="+Inf"}',
    'latency_bucket{le!="1"}',
    'latency_bucket offset 3m',
    'avg without (instance) (latency_bucket)',
  ]);
  const inner = chance(random, 0.85) ? buckets : gen.vector(depth - 1);
  const choices = [
    () => `histogram_quantile(${chance(random, 0.9) ? quantile(random) : gen.scalar(depth - 1)}, ${inner})`,
    () => `histogram_quantile(${quantile(random)}, ${inner})`,
  ];
  if (gen.options.newest) {
    choices.push(
      () =>
        `histogram_fraction(${pick(random, ['0', '0.1', '-Inf', '0.7', 'NaN'])}, ${pick(random, ['0.5', '1', '3', '+Inf', '0.05'])}, ${inner})`,
      () =>
        `histogram_quantiles(${inner}, "${pick(random, ['q', 'job', 'le'])}", ${quantile(random)}, ${quantile(random)})`,
    );
  }
  return pick(random, choices)();
};

const nativeCall: Generator = (gen, depth) => {
  const { random, options } = gen;
  if (!options.histograms) return histogramCall(gen, depth);
  const metric = pick(random, ['native', 'native', 'native_custom', 'mixed']);
  const source = pick(random, [
    metric,
    `rate(${metric}[5m])`,
    `increase(${metric}[2m])`,
    `delta(${metric}[2m])`,
    `irate(${metric}[2m])`,
    `idelta(${metric}[2m])`,
    `sum(${metric})`,
    `sum by (job) (rate(${metric}[3m]))`,
    `avg(${metric})`,
    `avg_over_time(${metric}[2m])`,
    `sum_over_time(${metric}[90s])`,
    `last_over_time(${metric}[1m])`,
    `${metric} * 2`,
    `${metric} / 3`,
    `-${metric}`,
    `${metric} + ${metric} offset 1m`,
    `${metric} - ${metric} offset 1m`,
    `${metric} >/ 1`,
    `${metric} </ 2.5`,
    `(${gen.vector(depth - 1)})`,
  ]);
  return pick(random, [
    () => source,
    () => source,
    () => `histogram_quantile(${quantile(random)}, ${source})`,
    () =>
      `histogram_fraction(${pick(random, ['0', '0.1', '-Inf', '0.7', 'NaN'])}, ${pick(random, ['0.5', '1', '3', '+Inf'])}, ${source})`,
    () => `histogram_${pick(random, ['avg', 'count', 'sum', 'stddev', 'stdvar'])}(${source})`,
    () => `histogram_quantiles(${source}, "q", ${quantile(random)}, ${quantile(random)})`,
    () =>
      `${pick(random, ['resets', 'changes', 'count_over_time', 'present_over_time', 'max_over_time'])}(${metric}[5m])`,
    () => `${pick(random, AGGREGATIONS)}${grouping(random)}(${source})`,
    () => `count_values("v", ${source})`,
    // Times one: whether stored histograms have empty buckets depends on what else is in Prometheus' chunk.
    () => `(${source}) * 1 == ${metric} * 1`,
    () => `(${source}) * 1 != ${metric} * 1`,
  ])();
};

const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const SETS = ['and', 'or', 'unless'];

function parenthesise(text: string): string {
  return /^[a-z0-9_.]+(\{[^}]*\})?$/.test(text) ? text : `(${text})`;
}

/** Operands that often have partners: the same family of metrics, perhaps aggregated to the same labels. */
function operands(gen: ExpressionGenerator, depth: number): [string, string, readonly string[]] {
  const { random } = gen;
  const kind = random();
  if (kind < 0.35) {
    const [left, right] = pick(random, [
      ['errors_total', 'requests_total'],
      ['requests_total{code="404"}', 'requests_total{code="500"}'],
      ['temperature', 'up'],
      ['up', 'constant'],
      ['requests_total', 'up'],
      ['latency_sum', 'latency_count'],
      ['latency_count', 'up'],
      ['twin_a', 'twin_b'],
      ['special', 'sparse'],
      ['build_info', 'target_info'],
      ['rate(errors_total[5m])', 'rate(requests_total[5m])'],
      ['{__name__=~"twin_.*"}', 'sparse'],
      ['requests_total', 'requests_total offset 1m'],
    ] as const);
    const swap = chance(random, 0.3);
    return [swap ? right : left, swap ? left : right, ['job', 'instance']];
  }
  if (kind < 0.55) {
    const labels = pick(random, ['job', 'job, instance', 'code', 'instance, code']);
    const side = () => `${pick(random, AGGREGATIONS)} by (${labels}) (${gen.vector(depth - 2)})`;
    return [side(), side(), labels.split(', ')];
  }
  return [parenthesise(gen.vector(depth - 1)), parenthesise(gen.vector(depth - 1)), []];
}

function matching(gen: ExpressionGenerator, isSet: boolean, shared: readonly string[]): string {
  const { random, options } = gen;
  let text = '';
  if (chance(random, 0.65)) {
    const onlyShared = shared.length > 0 && chance(random, 0.7);
    const names = onlyShared ? shared : Array.from({ length: between(random, 0, 2) }, () => pick(random, LABELS));
    text += onlyShared || chance(random, 0.5) ? ` on (${names.join(', ')})` : ` ignoring (${names.join(', ')})`;
    if (!isSet && chance(random, 0.5)) {
      const include = chance(random, 0.5) ? '' : pick(random, ['version', 'room', 'code', 'missing']);
      if (!names.includes(include)) text += ` ${pick(random, ['group_left', 'group_right'])} (${include})`;
    }
  }
  if (!isSet && options.newest && chance(random, 0.1)) {
    text += pick(random, [
      ' fill (0)',
      ' fill_left (1)',
      ' fill_right (23)',
      ' fill_left (0) fill_right (2.5)',
      ' fill (NaN)',
    ]);
  }
  return text;
}

const vectorBinary: Generator = (gen, depth) => {
  const { random } = gen;
  const [left, right, shared] = operands(gen, depth);
  if (chance(random, 0.25)) {
    return `${left} ${pick(random, SETS)}${matching(gen, true, shared)} ${right}`;
  }
  const isComparison = chance(random, 0.4);
  const op = pick(random, isComparison ? COMPARISONS : ARITHMETIC);
  const bool = isComparison && chance(random, 0.3) ? ' bool' : '';
  return `${left} ${op}${bool}${matching(gen, false, shared)} ${right}`;
};

const scalarOperand: Generator = (gen, depth) => {
  const { random } = gen;
  const isComparison = chance(random, 0.4);
  const op = pick(random, isComparison ? COMPARISONS : ARITHMETIC);
  const bool = isComparison && chance(random, 0.3) ? ' bool' : '';
  const vector = parenthesise(gen.vector(depth - 1));
  const scalar = parenthesise(gen.scalar(depth - 1));
  return chance(random, 0.7) ? `${vector} ${op}${bool} ${scalar}` : `${scalar} ${op}${bool} ${vector}`;
};

const unary: Generator = (gen, depth) => `${pick(gen.random, ['-', '-', '+'])}${parenthesise(gen.vector(depth - 1))}`;

const VECTORS: readonly (readonly [number, Generator])[] = [
  [8, selector],
  [14, aggregation],
  [7, parameterAggregation],
  [8, simpleCall],
  [18, rangeCall],
  [10, otherCall],
  [5, histogramCall],
  [5, nativeCall],
  [16, vectorBinary],
  [8, scalarOperand],
  [3, unary],
];

const SCALARS: readonly (readonly [number, Generator])[] = [
  [6, (gen) => number(gen.random)],
  [2, () => 'time()'],
  [1, () => 'pi()'],
  [3, (gen, depth) => `scalar(${gen.vector(depth - 1)})`],
  [
    2,
    (gen, depth) =>
      `${parenthesise(gen.scalar(depth - 1))} ${pick(gen.random, ARITHMETIC)} ${parenthesise(gen.scalar(depth - 1))}`,
  ],
  [
    1,
    (gen, depth) =>
      `${parenthesise(gen.scalar(depth - 1))} ${pick(gen.random, COMPARISONS)} bool ${parenthesise(gen.scalar(depth - 1))}`,
  ],
  [1, (gen, depth) => `-${parenthesise(gen.scalar(depth - 1))}`],
  [
    1,
    (gen, depth) =>
      gen.options.newest
        ? pick(gen.random, [
            'start()',
            'end()',
            'step()',
            'range()',
            `max_of(${gen.scalar(depth - 1)}, ${gen.scalar(depth - 1)})`,
            `min_of(${gen.scalar(depth - 1)}, ${gen.scalar(depth - 1)})`,
          ])
        : 'time()',
  ],
];
