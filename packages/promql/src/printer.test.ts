import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryExpr, DurationExpr, DurationValue, Expr, VectorSelector } from './ast.ts';
import { exprToJson } from './ast-json.ts';
import { ParseError } from './parse-error.ts';
import { parseExpr } from './parser.ts';
import { prettyExpr } from './pretty.ts';
import { printExpr } from './printer.ts';
import { createQueryGenerator } from './query-generator.testing.ts';

function parseOrUndefined(query: string): Expr | undefined {
  try {
    return parseExpr(query);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

function isPlus(value: unknown): value is DurationExpr & { kind: 'duration-unary' } {
  const { kind, op } = (value ?? {}) as { kind?: string; op?: string };
  return kind === 'duration-unary' && op === '+';
}

/** The tree without positions, matchers in the order in which they print. */
function normalize(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) => {
      if (key === 'position') return undefined;
      // The `+` of `offset +step()` does not print.
      if (isPlus(value)) return value.operand;
      if (key === 'matchers') return (value as object[]).map((matcher) => JSON.stringify(matcher)).sort();
      // `{"up"}` prints as `{__name__="up"}`, NaN is no JSON.
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    }),
  );
}

/**
 * Whether Prometheus' own printed form (its `format_query` was asked) parses to another tree: `Inf ^ 2` prints as
 * `+Inf ^ 2`, whose sign takes in the power, and an offset loses the signs that let it go on over operators, or kept
 * operators out of it.
 */
function printsAnotherTree(expr: Expr, printed: string): boolean {
  return /\+Inf\s+\^/.test(printed) || offsetsOf(expr).some(endsEarly) || binariesOf(expr).some(isTakenByOffset);
}

function binariesOf(node: unknown): BinaryExpr[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = (node as Expr).kind === 'binary' ? [node as BinaryExpr] : [];
  return [...own, ...Object.values(node).flatMap(binariesOf)];
}

/** `x offset +(1h) * 2` prints without the sign, and the operator then belongs to the offset. */
function isTakenByOffset({ op, left }: BinaryExpr): boolean {
  let last = left;
  while (last.kind === 'binary' || last.kind === 'unary') last = last.kind === 'binary' ? last.right : last.expr;
  if (last.kind === 'matrix-selector') last = last.selector;
  const offset = last.kind === 'vector-selector' || last.kind === 'subquery' ? last.offset : undefined;
  return /^[-+*/%^]$/.test(op) && offset !== undefined && 'expr' in offset && offset.expr.kind === 'duration-paren';
}

/** The expressions after `offset` anywhere in a tree. */
function offsetsOf(node: unknown): DurationExpr[] {
  if (typeof node !== 'object' || node === null) return [];
  const { offset } = node as { readonly offset?: DurationValue };
  const own = offset !== undefined && 'expr' in offset ? [offset.expr] : [];
  return [...own, ...Object.values(node).flatMap(offsetsOf)];
}

/** Only after `(` or two signs does what follows `offset` include operators. */
function endsEarly(offset: DurationExpr): boolean {
  let inner = offset;
  while (inner.kind === 'duration-unary') inner = inner.operand;
  const printed = printExpr({ ...(parseExpr('x offset 1s') as VectorSelector), offset: { expr: offset } });
  return inner.kind === 'duration-binary' && !/^x offset (?:\(|[-+]{2})/.test(printed);
}

describe('printExpr', () => {
  it('prints what parses to the same tree', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0 }), (seed) => {
        const generator = createQueryGenerator(seed);
        for (let i = 0; i < 5; i++) {
          const expr = parseOrUndefined(generator.expression());
          if (expr === undefined) continue;
          for (const print of [printExpr, prettyExpr]) {
            const printed = print(expr);
            if (printsAnotherTree(expr, printed)) continue;
            expect([printed, normalize(parseExpr(printed))]).toEqual([printed, normalize(expr)]);
            expect(print(parseExpr(printed))).toBe(printed);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['foo offset - -2 * 1h', 'foo offset 2 * 1h'],
    ['foo offset - - -2 * 1h', 'foo offset -2 * 1h'],
    ['foo offset + +step() * 2', 'foo offset step() * 2'],
    ['foo offset + -(1h) * 2', 'foo offset -(1h) * 2'],
    ['foo offset + -2 ^ 2', 'foo offset -2 ^ 2'],
    ['foo offset - -step() * 2', 'foo offset --step() * 2'],
    ['foo offset - -2 ^ 2', 'foo offset --2 ^ 2'],
    ['foo offset +(1h) * 2', 'foo offset (1h) * 2'],
    ['foo offset +step()', 'foo offset step()'],
    ['Inf ^ 2', '+Inf ^ 2'],
    ['-Inf ^ 2', '-+Inf ^ 2'],
  ])('prints %s as Prometheus does, though some of these parse to another tree', (query, printed) => {
    expect(printExpr(parseExpr(query))).toBe(printed);
  });

  it('escapes what is no UTF-8', () => {
    expect(printExpr(parseExpr('"\\xff\\u00e9\\xc3\\xa9\\n"'))).toBe('"\\xfféé\\n"');
  });
});

describe('exprToJson', () => {
  it('keeps the sign of an offset that is a call, as Prometheus does', () => {
    const step = { type: 'durationExpr', op: 'step', wrapped: false, lhs: null, rhs: null };
    expect(exprToJson(parseExpr('foo offset +step()'))).toMatchObject({
      offsetExpr: { op: '+', lhs: null, rhs: step },
    });
    expect(exprToJson(parseExpr('foo offset + +step()'))).toMatchObject({ offsetExpr: step });
  });

  it('has the shape of parse_query', () => {
    expect(exprToJson(parseExpr('topk by (a) (2, rate(up{x=~"y"}[5m] @ 1.5 offset 1m)) > bool on (a) -(b)'))).toEqual({
      type: 'binaryExpr',
      op: '>',
      bool: true,
      matching: { card: 'one-to-one', labels: ['a'], on: true, include: [], fillValues: { lhs: null, rhs: null } },
      lhs: {
        type: 'aggregation',
        op: 'topk',
        param: { type: 'numberLiteral', val: '2' },
        grouping: ['a'],
        without: false,
        expr: {
          type: 'call',
          func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
          args: [
            {
              type: 'matrixSelector',
              name: 'up',
              range: 300_000,
              rangeExpr: null,
              offset: 60_000,
              offsetExpr: null,
              timestamp: 1500,
              startOrEnd: null,
              anchored: false,
              smoothed: false,
              matchers: [
                { name: 'x', type: '=~', value: 'y' },
                { name: '__name__', type: '=', value: 'up' },
              ],
            },
          ],
        },
      },
      rhs: {
        type: 'unaryExpr',
        op: '-',
        expr: {
          type: 'parenExpr',
          expr: {
            type: 'vectorSelector',
            name: 'b',
            offset: 0,
            offsetExpr: null,
            timestamp: null,
            startOrEnd: null,
            anchored: false,
            smoothed: false,
            matchers: [{ name: '__name__', type: '=', value: 'b' }],
          },
        },
      },
    });
    expect(exprToJson(parseExpr('(up[5m + step():1m] @ start())'))).toEqual({
      type: 'parenExpr',
      expr: {
        type: 'subquery',
        expr: expect.objectContaining({ name: 'up' }),
        range: 0,
        rangeExpr: {
          type: 'durationExpr',
          op: '+',
          wrapped: false,
          lhs: { type: 'numberLiteral', val: '300', duration: true },
          rhs: { type: 'durationExpr', op: 'step', wrapped: false, lhs: null, rhs: null },
        },
        step: 60_000,
        stepExpr: null,
        offset: 0,
        offsetExpr: null,
        timestamp: null,
        startOrEnd: 'start',
      },
    });
    expect(exprToJson(parseExpr('1 + 2'))).toMatchObject({ matching: null });
    expect(exprToJson(parseExpr('sum(a)'))).toMatchObject({ param: null });
    expect(exprToJson(parseExpr('"a"'))).toEqual({ type: 'stringLiteral', val: 'a' });
  });
});
