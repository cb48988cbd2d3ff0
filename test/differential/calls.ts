import { type FunctionSignature, functions } from '@opendata/promql';

const VECTORS = [
  ...['counter', 'gauge', 'special', 'sparse', 'none', 'bucket', 'sorted', 'lone'],
  ...['native', 'oddnative', 'gaugenative', 'custom', 'mixed'],
  ...['{__name__=~"gauge|native"}', 'gauge offset 1m', 'native @ end()', 'counter smoothed', 'rate(counter[2m])'],
];
const METRICS = VECTORS.slice(0, 13);
const NUMBERS = ['0', '1', '-1', '0.5', '2.7', '1e10', '-1e30', 'NaN', 'Inf', '-Inf'];
const FEW_NUMBERS = ['0.5', '-1', '2', 'NaN', 'Inf'];

const RANGES: readonly ((metric: string) => string)[] = [
  (metric) => `${metric}[2m]`,
  (metric) => `${metric}[4m7s] offset 13s`,
  (metric) => `${metric}[30s]`,
  (metric) => `${metric}[3m:25s]`,
];
const EXTENDED: readonly ((metric: string) => string)[] = [
  (metric) => `${metric}[2m] anchored`,
  (metric) => `${metric}[2m7s] smoothed`,
  (metric) => `${metric}[3m] anchored offset 47s`,
];

const CONTEXT = ['', 'start()', 'step() * 2', 'range() / 3', 'end() - time()'];

/** An argument of each type, for calls that must not type-check. */
const OF_TYPE: Readonly<Record<string, string>> = {
  scalar: '1',
  vector: 'gauge',
  matrix: 'gauge[1m]',
  string: '"a"',
};

/** Every function with too few, too many and wrongly typed arguments. */
export function wrongCalls(): string[] {
  const calls: string[] = [];
  for (const { name, argTypes, variadic } of functions.values()) {
    const most = argTypes.length + (variadic < 0 ? 3 : variadic) + 1;
    const typeOf = (i: number) => argTypes[Math.min(i, argTypes.length - 1)] ?? 'scalar';
    for (let count = 0; count <= most; count++) {
      calls.push(`${name}(${Array.from({ length: count }, (_, i) => OF_TYPE[typeOf(i)]).join(', ')})`);
    }
    for (let i = 0; i < argTypes.length; i++) {
      for (const wrong of Object.values(OF_TYPE)) {
        calls.push(`${name}(${argTypes.map((type, n) => (n === i ? wrong : OF_TYPE[type])).join(', ')})`);
      }
    }
    calls.push(`${name}`, `${name}(`, `${name}{a="1"}`, `${name}() by (a)`, `${name} by (a) (gauge)`);
  }
  for (const op of AGGREGATIONS.concat(Object.keys(PARAMETERS))) {
    for (const body of [
      '()',
      '(gauge)',
      '(1)',
      '(1, gauge)',
      '("a", gauge)',
      '(gauge, gauge)',
      '(1, 1)',
      '(gauge[1m])',
    ])
      calls.push(`${op}${body}`, `${op} by (a) ${body}`, `${op}${body} without ("b", "x y")`);
    calls.push(
      `${op}(1, gauge, 2)`,
      `${op}(gauge[1m], gauge)`,
      `${op}((1), (gauge)) by ()`,
      `${op} by (a) (1, gauge) by (a)`,
    );
  }
  return calls;
}

/** Right calls of every function over every kind of series. */
export function rightCalls(): string[] {
  return [...functions.values()].flatMap((signature) => callsOf(signature));
}

function callsOf({ name, argTypes }: FunctionSignature): string[] {
  switch (name) {
    case 'info':
      return infoCalls();
    case 'label_replace':
      return labelReplaceCalls();
    case 'label_join':
      return labelJoinCalls();
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return METRICS.flatMap((v) =>
        ['"v"', '"a"', '"a", "b"', '"missing", "v"', '"__name__"'].map((l) => `${name}(${v}, ${l})`),
      );
    case 'histogram_quantiles':
      return VECTORS.flatMap((v) => [
        `${name}(${v}, "q", 0.5)`,
        `${name}(${v}, "q", 0, 1, 0.1, NaN, -1, 2)`,
        `${name}(${v}, "a", 0.5, 0.5)`,
        `${name}(${v}, "__name__", 0.25, 1e-9)`,
        `${name}(${v}, "", 0.25)`,
      ]);
    case 'round':
      return VECTORS.flatMap((v) => [`round(${v})`, ...NUMBERS.map((n) => `round(${v}, ${n})`)]);
    case 'histogram_fraction':
      return VECTORS.flatMap((v) =>
        ['0, 1', '-Inf, Inf', '1, 0', 'NaN, 1', '0.3, 2.2', '-3, -0.1', '1, 1', '-0.005, 0.005', '0, Inf'].map(
          (bounds) => `${name}(${bounds}, ${v})`,
        ),
      );
    case 'double_exponential_smoothing':
      return METRICS.flatMap((m) =>
        ['0.5, 0.5', '0, 1', '1, 0', '2, 0.5', '0.5, -1', 'NaN, 0.5', '0.1, 0.9'].map((f) => `${name}(${m}[4m], ${f})`),
      );
  }
  if (argTypes.length === 0) return [`${name}()`, `vector(${name}())`, `gauge + ${name}()`];
  if (argTypes.includes('matrix')) return matrixCalls(name, argTypes);
  if (argTypes.every((type) => type === 'scalar')) {
    const pairs = NUMBERS.flatMap((a) => (argTypes.length === 1 ? [a] : NUMBERS.map((b) => `${a}, ${b}`)));
    return [...pairs, ...(argTypes.length === 1 ? ['time()', 'scalar(lone)'] : ['time(), scalar(lone)'])].map(
      (args) => `${name}(${args})`,
    );
  }
  const numbers = argTypes.filter((type) => type === 'scalar').length;
  const lists =
    numbers === 0 ? [''] : numbers === 1 ? NUMBERS : NUMBERS.flatMap((a) => FEW_NUMBERS.map((b) => `${a}, ${b}`));
  const calls = VECTORS.flatMap((v) =>
    lists.map((list) =>
      list === '' ? `${name}(${v})` : argTypes[0] === 'scalar' ? `${name}(${list}, ${v})` : `${name}(${v}, ${list})`,
    ),
  );
  return calls;
}

function matrixCalls(name: string, argTypes: readonly string[]): string[] {
  const calls: string[] = [];
  const numbers = argTypes.includes('scalar')
    ? ['0', '0.5', '1', '-1', '1e6', 'NaN', 'scalar(lone)', 'time()']
    : [undefined];
  for (const metric of [...METRICS, '{__name__=~"gauge|native"}']) {
    for (const range of [...RANGES, ...EXTENDED]) {
      if (range === RANGES[3] && metric.startsWith('{')) continue;
      for (const number of range === RANGES[0] ? numbers : numbers.slice(0, 2)) {
        const matrix = range(metric);
        if (number === undefined) calls.push(`${name}(${matrix})`);
        else calls.push(argTypes[0] === 'scalar' ? `${name}(${number}, ${matrix})` : `${name}(${matrix}, ${number})`);
      }
    }
  }
  if (argTypes.length === 1) {
    for (const metric of ['counter', 'gauge', 'native', 'mixed']) {
      for (const at of ['@ start()', '@ end()', '@ 1700000340', '@ 1700000340.123 offset -30s', 'offset -1m'])
        calls.push(`${name}(${metric}[90s] ${at})`, `${name}(${metric}[2m:17s] ${at})`);
      for (const context of CONTEXT.slice(2, 4))
        calls.push(`${name}(${metric}[1m + ${context}])`, `${name}(${metric}[1m] offset (${context}))`);
    }
    calls.push(
      `${name}((gauge > 1)[3m:])`,
      `${name}(vector(time())[3m:1m])`,
      `${name}((1)[3m:30s])`.replace('(1)', 'vector(1)'),
    );
  }
  return calls;
}

function infoCalls(): string[] {
  const selectors = [
    '',
    ', {}',
    ', {data="d1"}',
    ', {data=~".+", missing=""}',
    ', {data!="d1"}',
    ', {__name__="target_info"}',
    ', {extra=~".*"}',
  ];
  selectors.push(
    ', {__name__="none"}',
    ', {nothing="x"}',
    ', {__name__=~"target_.+", data=~"d.*"}',
    ', target_info',
    ', {instance="i"}',
  );
  return ['info_base', 'gauge', 'target_info', 'native', 'none', 'info_base * 2', 'info_base offset 1m'].flatMap((v) =>
    selectors.map((selector) => `info(${v}${selector})`),
  );
}

function labelReplaceCalls(): string[] {
  const rests = [
    '"a", "x$1", "b", "(.*)"',
    '"z", "$1-$2", "a", "(.)(.?)"',
    '"b", "", "a", ".*"',
    '"__name__", "n_$1", "a", "(1|2)"',
  ];
  rests.push(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of label_replace
    '"z", "${n}_", "a", "(?P<n>.)"',
    '"not a name", "1", "a", ".*"',
    '"a", "same", "b", ".*"',
    '"z", "$1", "a", "("',
    '"z", "$$1 $9 $x", "missing", ""',
  );
  rests.push('"", "1", "a", ".*"', '"\\xff", "1", "a", ".*"', '"z", "v", "a", "^1$"', '"z", "v", "\\xff", ".*"');
  return METRICS.flatMap((v) => rests.map((rest) => `label_replace(${v}, ${rest})`));
}

function labelJoinCalls(): string[] {
  const rests = [
    '"z", "-", "a", "b"',
    '"z", ""',
    '"a", "+", "b", "a"',
    '"__name__", "_", "a", "__name__"',
    '"b", ",", "missing"',
    '"not a name", "-", "a"',
  ];
  rests.push('"a", "", "missing"', '"z", "-", "not a name"', '"", "-", "a"', '"z", "-", "\\xff"');
  return METRICS.flatMap((v) => rests.map((rest) => `label_join(${v}, ${rest})`));
}

const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const COUNTS = [
  '0',
  '1',
  '2',
  '-1',
  '1.9',
  'NaN',
  'Inf',
  '-Inf',
  '1e18',
  '1e19',
  '-1e19',
  'scalar(lone)',
  'time()',
  'scalar(none)',
];
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  topk: COUNTS,
  bottomk: COUNTS,
  limitk: COUNTS,
  limit_ratio: [
    '0',
    '1',
    '-1',
    '0.5',
    '-0.5',
    '1.1',
    '-2',
    'NaN',
    'Inf',
    '0.1',
    '-0.9',
    'scalar(none)',
    'scalar(lone) / 10',
  ],
  quantile: ['0', '1', '0.5', '-0.1', '1.1', 'NaN', 'Inf', '-Inf', '0.25', 'scalar(lone) / 4', 'scalar(none)'],
  count_values: ['"v"', '"a"', '"__name__"', '""', '"not a name"', '"\\xff"'],
};
const GROUPINGS = [
  '',
  ' by (a)',
  ' by (b)',
  ' without (a)',
  ' by ()',
  ' without ()',
  ' by (__name__)',
  ' by (missing, b)',
];

/** Every aggregation with every kind of parameter and grouping over every kind of series. */
export function aggregations(): string[] {
  const calls: string[] = [];
  const vectors = [...VECTORS, '{__name__=~"gauge|native|custom"}', 'rate(native[2m])', '{__name__=~"gauge|other"}'];
  for (const v of vectors) {
    for (const group of GROUPINGS) {
      for (const op of AGGREGATIONS) calls.push(`${op}${group} (${v})`);
      for (const [op, parameters] of Object.entries(PARAMETERS)) {
        for (const parameter of group === '' ? parameters : parameters.slice(0, 4))
          calls.push(`${op}${group} (${parameter}, ${v})`);
      }
    }
  }
  return calls;
}

const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const SETS = ['and', 'or', 'unless'];
const TRIMS = ['</', '>/'];
const OPERANDS = [
  '0',
  '-2.5',
  'NaN',
  'lone',
  'counter',
  'gauge',
  'special',
  'other',
  'none',
  'native',
  'oddnative',
  'gaugenative',
  'custom',
  'mixed',
];

/** Every operator between every two kinds of operands. */
export function binaries(): string[] {
  const all: string[] = [];
  for (const op of [...ARITHMETIC, ...COMPARISONS, ...COMPARISONS.map((one) => `${one} bool`), ...SETS, ...TRIMS]) {
    for (const left of OPERANDS) for (const right of OPERANDS) all.push(`${left} ${op} ${right}`);
  }
  return all;
}

/** Every operator with every kind of matching. */
export function matchings(): string[] {
  const all: string[] = [];
  const matches = ['on (a)', 'ignoring (b)', 'on ()', 'on (a, b)', 'ignoring (a)', 'on (__name__)', 'on (b)'];
  const groups = [
    '',
    ' group_left',
    ' group_left (b)',
    ' group_right',
    ' group_right (b)',
    ' group_left (a)',
    ' group_left (missing)',
    ' group_left (__name__)',
  ];
  const fills = ['', ' fill (0)', ' fill_left (-1)', ' fill_right (NaN)', ' fill_left (1) fill_right (2)'];
  const pairs: readonly [string, string][] = [
    ['gauge', 'other'],
    ['other', 'gauge'],
    ['native', 'gaugenative'],
    ['native', 'other'],
    ['gauge', 'native'],
    ['mixed', 'counter'],
    ['other', 'lone'],
    ['sparse', 'gauge'],
  ];
  for (const [left, right] of pairs) {
    for (const match of matches) {
      for (const op of ['+', '*', '==', '> bool', '<=', '</', 'and', 'or', 'unless']) {
        for (const group of groups) {
          for (const fill of group === '' || group === ' group_left' || group === ' group_right (b)' ? fills : ['']) {
            all.push(`${left} ${op} ${match}${group}${fill} ${right}`);
          }
        }
      }
    }
    for (const op of [...ARITHMETIC, ...COMPARISONS, ...TRIMS])
      for (const fill of fills.slice(1)) all.push(`${left} ${op}${fill} ${right}`);
  }
  return all;
}
