/**
 * The syntax tree of a PromQL expression. Node and field names follow Prometheus' own tree, so that positions,
 * printed forms and the JSON of `/api/v1/parse_query` can follow it too. Nodes are plain data, never mutated after
 * parsing.
 */

/** Byte offsets into the UTF-8 query, end exclusive, as Prometheus reports positions. */
export interface PositionRange {
  readonly start: number;
  readonly end: number;
}

export type ValueType = 'none' | 'vector' | 'scalar' | 'matrix' | 'string';

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr
  | Call
  | AggregateExpr
  | BinaryExpr
  | UnaryExpr
  | ParenExpr;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (`5m`): `value` is in seconds and it prints as a duration. */
  readonly isDuration: boolean;
  readonly position: PositionRange;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly position: PositionRange;
}

export type MatchType = '=' | '!=' | '=~' | '!~';

export interface Matcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
}

/** A duration that is computed when the query runs (`[5m + step()]`): a tree over numbers in seconds. */
export type DurationExpr =
  | {
      readonly kind: 'duration-literal';
      /** May be negative: a sign before a number belongs to the number. */
      readonly seconds: number;
      /** Written with units (`5m`, not `300`): it prints so. */
      readonly isDuration: boolean;
      readonly position: PositionRange;
    }
  | {
      readonly kind: 'duration-call';
      /** `step()` and `range()` take no arguments, `min_of` and `max_of` two. */
      readonly func: 'step' | 'range' | 'min_of' | 'max_of';
      readonly args: readonly DurationExpr[];
      readonly position: PositionRange;
    }
  | {
      readonly kind: 'duration-unary';
      readonly op: '+' | '-';
      readonly operand: DurationExpr;
      readonly position: PositionRange;
    }
  | {
      readonly kind: 'duration-binary';
      readonly op: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
      readonly position: PositionRange;
    }
  | { readonly kind: 'duration-paren'; readonly inner: DurationExpr; readonly position: PositionRange };

/** A duration as written: a constant in milliseconds, or an expression to be evaluated with the query's range and step. */
export type DurationValue = { readonly ms: number } | { readonly expr: DurationExpr };

/** The `@` modifier: a fixed time in milliseconds, or the query's start or end. */
export type AtModifier = { readonly timestampMs: number } | { readonly preprocessor: 'start' | 'end' };

export interface VectorSelector {
  readonly kind: 'vector-selector';
  /** Metric name where written before the braces; `''` otherwise. The matchers contain it too. */
  readonly name: string;
  readonly matchers: readonly Matcher[];
  readonly offset: DurationValue | undefined;
  readonly at: AtModifier | undefined;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  readonly position: PositionRange;
}

export interface MatrixSelector {
  readonly kind: 'matrix-selector';
  readonly selector: VectorSelector;
  readonly range: DurationValue;
  readonly position: PositionRange;
}

export interface SubqueryExpr {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: DurationValue;
  /** `undefined`: the engine's default step. */
  readonly step: DurationValue | undefined;
  readonly offset: DurationValue | undefined;
  readonly at: AtModifier | undefined;
  readonly position: PositionRange;
}

export interface Call {
  readonly kind: 'call';
  readonly func: string;
  readonly args: readonly Expr[];
  readonly position: PositionRange;
}

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export interface AggregateExpr {
  readonly kind: 'aggregate';
  readonly op: AggregateOp;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly position: PositionRange;
}

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOp = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type SetOp = 'and' | 'or' | 'unless';
/** `</` and `>/`: trim the buckets of a native histogram below or above a value. */
export type TrimOp = '</' | '>/';
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp | TrimOp;

export interface VectorMatching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** Labels of `on(…)` or `ignoring(…)`. */
  readonly labels: readonly string[];
  readonly on: boolean;
  /** Labels of `group_left(…)` or `group_right(…)`. */
  readonly include: readonly string[];
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  /** Present where both sides are vectors. */
  readonly matching: VectorMatching | undefined;
  readonly returnBool: boolean;
  readonly position: PositionRange;
}

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly expr: Expr;
  readonly position: PositionRange;
}

export interface ParenExpr {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly position: PositionRange;
}
