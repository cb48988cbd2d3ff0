import type { AggregateExpr, AggregateOp, Call, Expr, PositionRange } from './ast.ts';
import { functions } from './functions.ts';
import { quote } from './go-strings.ts';
import { parseGrouping } from './parse-grouping.ts';
import { parseExpression } from './parser.ts';
import type { ErrorContext, TokenStream } from './token-stream.ts';
import { LOWEST_PRECEDENCE, PARAMETER_AGGREGATE_OPS, startsExpression } from './tokens.ts';

const IN_AGGREGATION: ErrorContext = { place: 'aggregation', expected: '' };

/** A function call; `undefined`, with the name taken, where no parenthesis follows the name. */
export function parseCall(stream: TokenStream): Call | undefined {
  stream.take();
  if (stream.peek() !== '(') return undefined;
  const func = stream.text();
  const name = stream.tokenPosition();
  const args = parseArguments(stream);
  if (!functions.has(func)) stream.errorAt(`unknown function with name ${quote(func)}`, name);
  return { kind: 'call', func, args, position: stream.positionFrom(name) };
}

/** An aggregation; `undefined`, with the word taken, where what follows makes it a metric name. */
export function parseAggregate(stream: TokenStream): AggregateExpr | undefined {
  const op = stream.take() as AggregateOp;
  const next = stream.peek();
  if (next !== '(' && next !== 'by' && next !== 'without') return undefined;
  const name = stream.tokenPosition();
  const outer = stream.context;
  stream.context = IN_AGGREGATION;
  let clause = next === '(' ? NO_CLAUSE : parseClause(stream);
  if (stream.peek() !== '(') stream.unexpected();
  const args = parseArguments(stream);
  let position = stream.positionFrom(name);
  if (next === '(') {
    const last = stream.peek();
    if (last === 'by' || last === 'without') {
      clause = parseClause(stream);
      position = stream.positionFrom(name);
    }
  }
  stream.context = outer;
  const { expr, param } = pickArguments(stream, op, args, position);
  return { kind: 'aggregate', op, expr, param, grouping: clause.grouping, without: clause.without, position };
}

interface Clause {
  readonly grouping: readonly string[];
  readonly without: boolean;
}

const NO_CLAUSE: Clause = { grouping: [], without: false };

/** `by (…)` or `without (…)`. */
function parseClause(stream: TokenStream): Clause {
  const without = stream.take() === 'without';
  return { grouping: parseGrouping(stream), without };
}

function pickArguments(
  stream: TokenStream,
  op: AggregateOp,
  args: readonly Expr[],
  position: PositionRange,
): { expr: Expr; param: Expr | undefined } {
  const wanted = PARAMETER_AGGREGATE_OPS.has(op) ? 2 : 1;
  if (args.length === wanted) return { expr: args[wanted - 1]!, param: wanted === 2 ? args[0] : undefined };
  const message =
    args.length === 0
      ? 'no arguments for aggregate expression provided'
      : `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`;
  stream.errorAt(message, position);
  return { expr: args[0] ?? { kind: 'number', value: 0, isDuration: false, position }, param: undefined };
}

/** `(…)` after a function's or aggregation's name. */
function parseArguments(stream: TokenStream): Expr[] {
  stream.take();
  const args: Expr[] = [];
  if (stream.accept(')')) return args;
  do {
    args.push(parseExpression(stream, LOWEST_PRECEDENCE));
  } while (stream.accept(',') && !isTrailingComma(stream));
  stream.expect(')');
  return args;
}

function isTrailingComma(stream: TokenStream): boolean {
  const { start, end } = stream;
  if (startsExpression(stream.peek())) return false;
  stream.error('trailing commas not allowed in function call args', start, end);
  return true;
}
