import type { AggregateOp, BinaryOp } from './ast.ts';
import { quote, quoteTruncated } from './go-strings.ts';

export type KeywordKind =
  | 'anchored'
  | 'bool'
  | 'by'
  | 'fill'
  | 'fill_left'
  | 'fill_right'
  | 'group_left'
  | 'group_right'
  | 'ignoring'
  | 'offset'
  | 'on'
  | 'smoothed'
  | 'without';

/** Words that are functions too, and have a meaning of their own after `@` or in durations. */
export type ContextFunctionKind = 'start' | 'end' | 'step' | 'range' | 'min_of' | 'max_of';

export type TokenKind =
  | BinaryOp
  | AggregateOp
  | KeywordKind
  | ContextFunctionKind
  | '('
  | ')'
  | '{'
  | '}'
  | '['
  | ']'
  | ','
  | ':'
  | '='
  | '=~'
  | '!~'
  | '@'
  | 'identifier'
  | 'metric-identifier'
  | 'number'
  | 'duration'
  | 'string'
  | 'eof'
  | 'error';

export const AGGREGATE_OPS: ReadonlySet<string> = new Set<AggregateOp>([
  'avg',
  'bottomk',
  'count',
  'count_values',
  'group',
  'limit_ratio',
  'limitk',
  'max',
  'min',
  'quantile',
  'stddev',
  'stdvar',
  'sum',
  'topk',
]);

/** Aggregations whose first argument is a parameter. */
export const PARAMETER_AGGREGATE_OPS: ReadonlySet<string> = new Set<AggregateOp>([
  'bottomk',
  'count_values',
  'limit_ratio',
  'limitk',
  'quantile',
  'topk',
]);

const KEYWORDS: ReadonlySet<string> = new Set<KeywordKind>([
  'anchored',
  'bool',
  'by',
  'fill',
  'fill_left',
  'fill_right',
  'group_left',
  'group_right',
  'ignoring',
  'offset',
  'on',
  'smoothed',
  'without',
]);

const CONTEXT_FUNCTIONS: ReadonlySet<string> = new Set<ContextFunctionKind>([
  'end',
  'max_of',
  'min_of',
  'range',
  'start',
  'step',
]);

const WORD_OPERATORS: ReadonlySet<string> = new Set<BinaryOp>(['and', 'or', 'unless', 'atan2']);

/** Words with a kind of their own, in lower case; they are recognised in any case. */
export const WORD_KINDS: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ...[...AGGREGATE_OPS, ...KEYWORDS, ...CONTEXT_FUNCTIONS, ...WORD_OPERATORS].map((word): [string, TokenKind] => [
    word,
    word as TokenKind,
  ]),
  ['inf', 'number'],
  ['nan', 'number'],
]);

/** Words that may stand alone as a metric name. */
export const METRIC_NAME_KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'identifier',
  'metric-identifier',
  'and',
  'or',
  'unless',
  'anchored',
  'by',
  'fill',
  'fill_left',
  'fill_right',
  'offset',
  'smoothed',
  'without',
  ...([...AGGREGATE_OPS, ...CONTEXT_FUNCTIONS] as TokenKind[]),
]);

const EXPRESSION_STARTS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  '(',
  '+',
  '-',
  'duration',
  'number',
  'string',
  '{',
  ...METRIC_NAME_KINDS,
]);

export function startsExpression(kind: TokenKind): boolean {
  return EXPRESSION_STARTS.has(kind);
}

/** Words that may be a label name in `by (…)`, `on (…)` and their like: all but `without`. */
export const GROUPING_LABEL_KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'identifier',
  'metric-identifier',
  ...([...AGGREGATE_OPS, ...KEYWORDS, ...CONTEXT_FUNCTIONS, ...WORD_OPERATORS] as TokenKind[]).filter(
    (kind) => kind !== 'without',
  ),
]);

/** Binding strength of binary operators; `^` alone is right-associative. A sign binds like `*`. */
export const PRECEDENCE: ReadonlyMap<TokenKind, number> = new Map<TokenKind, number>([
  ['or', 1],
  ['and', 2],
  ['unless', 2],
  ['==', 3],
  ['!=', 3],
  ['<', 3],
  ['<=', 3],
  ['>', 3],
  ['>=', 3],
  ['</', 3],
  ['>/', 3],
  ['+', 4],
  ['-', 4],
  ['*', 5],
  ['/', 5],
  ['%', 5],
  ['atan2', 5],
  ['^', 6],
]);

export const LOWEST_PRECEDENCE = 1;
export const SIGN_OPERAND_PRECEDENCE = 6;

/** Names a token as "unexpected …" messages do. `text` is the token as written. */
export function describeToken(kind: TokenKind, text: string): string {
  switch (kind) {
    case 'eof':
      return 'end of input';
    case 'identifier':
      return `identifier ${quote(text)}`;
    case 'metric-identifier':
      return `metric identifier ${quote(text)}`;
    case 'number':
    case 'duration':
    case 'string':
      return `${kind} ${quoteTruncated(text, 10)}`;
    case '=~':
    case '!~':
    case '@':
      return `<op:${text}>`;
  }
  if (KEYWORDS.has(kind)) return `<${text}>`;
  if (PRECEDENCE.has(kind)) return `<op:${text}>`;
  if (AGGREGATE_OPS.has(kind)) return `<aggr:${text}>`;
  return quote(text);
}
