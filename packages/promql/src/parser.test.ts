import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Expr } from './ast.ts';
import { ParseError } from './parse-error.ts';
import { parseExpr, parseMetricSelector } from './parser.ts';
import { printExpr } from './printer.ts';
import { typeOf } from './type-check.ts';

const CASES = '../shared/promql-parser/cases.json';
const CORPUS = '../shared/promqltest';

function errorOf(query: string): string | undefined {
  try {
    parseExpr(query);
    return undefined;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return error.message;
  }
}

/** The tree in brackets, so that precedence shows. */
function shape(expr: Expr): string {
  switch (expr.kind) {
    case 'binary':
      return `(${shape(expr.left)} ${expr.op} ${shape(expr.right)})`;
    case 'unary':
      return `(${expr.op}${shape(expr.expr)})`;
    case 'paren':
      return shape(expr.expr);
    default:
      return printExpr(expr);
  }
}

describe.skipIf(!existsSync(CASES))('cases of the shared parser corpus', () => {
  interface Case {
    readonly input: string;
    readonly valid: boolean;
    readonly error?: string;
  }
  /** Inputs cut short or re-encoded when the corpus was extracted: Prometheus itself says otherwise of them. */
  const damaged = new Set(["{'foo\\'bar', ", '`', 'some_metric{a="ÿ"}', '(']);
  const unquoteGo = (literal: string): string =>
    literal.startsWith('`') ? literal.slice(1, -1) : (JSON.parse(literal) as string);

  it('accepts and rejects each with the message expected', () => {
    const mismatches: string[] = [];
    for (const { input, valid, error } of JSON.parse(readFileSync(CASES, 'utf8')) as Case[]) {
      const actual = errorOf(input);
      const isAsExpected = valid ? actual === undefined : actual?.includes(unquoteGo(error!));
      if (!isAsExpected && !damaged.has(input)) mismatches.push(`${input}: ${error ?? 'valid'}, but ${actual}`);
    }
    expect(mismatches).toEqual([]);
  });
});

describe.skipIf(!existsSync(CORPUS))('expressions of the shared promqltest corpus', () => {
  it('parses each', () => {
    const evalLine =
      /^\s*eval(?:_\w+)?\s+(?:instant(?:\s+at\s+\S+)?|range\s+from\s+\S+\s+to\s+\S+\s+step\s+\S+)\s+(.+)$/;
    let count = 0;
    const rejected: string[] = [];
    for (const file of readdirSync(CORPUS).filter((name) => name.endsWith('.test'))) {
      for (const line of readFileSync(`${CORPUS}/${file}`, 'utf8').split('\n')) {
        const query = evalLine.exec(line)?.[1];
        if (query === undefined) continue;
        count++;
        const error = errorOf(query);
        if (error !== undefined) rejected.push(`${query}: ${error}`);
      }
    }
    expect(rejected).toEqual([]);
    expect(count).toBeGreaterThan(1000);
  });
});

describe('precedence', () => {
  it.each([
    ['a + b * c ^ d', '(a + (b * (c ^ d)))'],
    ['a ^ b ^ c', '(a ^ (b ^ c))'],
    ['a - b - c', '((a - b) - c)'],
    ['a / b * c % d atan2 e', '((((a / b) * c) % d) atan2 e)'],
    ['a or b and c unless d', '(a or ((b and c) unless d))'],
    ['a == b > c + 1', '((a == b) > (c + 1))'],
    ['a </ b >/ c + 1', '((a </ b) >/ (c + 1))'],
    ['-a ^ b', '(-(a ^ b))'],
    ['-a * b', '((-a) * b)'],
    ['a ^ -b ^ c', '(a ^ (-(b ^ c)))'],
    ['a + b offset 5m', '(a + b offset 5m)'],
    ['-a @ 5', '(-a @ 5.000)'],
    ['a or b offset 5m ^ 2', '(a or (b offset 5m ^ 2))'],
    ['a offset -2 ^ 2', '(a offset -2s ^ 2)'],
    ['a offset (2m) + 3', 'a offset (2m) + 3'],
    ['a offset step() * 2', '(a offset step() * 2)'],
    ['a offset - -2 * 3', 'a offset 2 * 3'],
  ])('%s', (query, expected) => {
    expect(shape(parseExpr(query))).toBe(expected);
  });

  it('makes a sign part of a number, but not before a power', () => {
    expect(parseExpr('-1 * 2')).toMatchObject({ left: { kind: 'number', value: -1 } });
    expect(parseExpr('-1 ^ 2')).toMatchObject({ kind: 'unary' });
    expect(parseExpr('--1')).toMatchObject({ kind: 'number', value: 1, position: { start: 0, end: 3 } });
  });
});

describe('tree', () => {
  it('puts the name before the braces last among the matchers', () => {
    expect(parseExpr('up{a="1","b c"!="2"}')).toMatchObject({
      name: 'up',
      matchers: [
        { name: 'a', type: '=', value: '1' },
        { name: 'b c', type: '!=', value: '2' },
        { name: '__name__', type: '=', value: 'up' },
      ],
    });
    expect(parseExpr('{"up",a=~"1"}')).toMatchObject({ name: '', matchers: [{ name: '__name__', value: 'up' }, {}] });
  });

  it('takes modifiers in any order', () => {
    const modifiers = { offset: { ms: 300_000 }, at: { timestampMs: 1500 }, anchored: true };
    expect(parseExpr('up offset 5m @ 1.5 anchored')).toMatchObject(modifiers);
    expect(parseExpr('up[1m] anchored @ 1.5 offset 5m')).toMatchObject({
      selector: modifiers,
      range: { ms: 60_000 },
      position: { start: 0, end: 31 },
    });
    expect(parseExpr('up[1m:] @ end() offset -5m')).toMatchObject({
      at: { preprocessor: 'end' },
      offset: { ms: -300_000 },
      step: undefined,
    });
  });

  it('keeps computed durations, and constants as milliseconds', () => {
    expect(parseExpr('up[1.5]')).toMatchObject({ range: { ms: 1500 } });
    expect(parseExpr('up[5m + -step()]')).toMatchObject({
      range: {
        expr: {
          op: '+',
          left: { kind: 'duration-literal', seconds: 300, isDuration: true },
          right: { kind: 'duration-unary', operand: { kind: 'duration-call', func: 'step', args: [] } },
        },
      },
    });
    expect(parseExpr('up offset 0s')).toMatchObject({ offset: undefined });
  });

  it('settles how binary operators match', () => {
    expect(parseExpr('a + b')).toMatchObject({ matching: { cardinality: 'one-to-one', on: false } });
    expect(parseExpr('a and b')).toMatchObject({ matching: { cardinality: 'many-to-many' } });
    expect(parseExpr('a * on (x) group_right (y) b')).toMatchObject({
      matching: { cardinality: 'one-to-many', on: true, labels: ['x'], include: ['y'] },
    });
    expect(parseExpr('a + fill_left(1) fill_right(-2) b')).toMatchObject({ matching: { fillLeft: 1, fillRight: -2 } });
    expect(parseExpr('a + 1')).toMatchObject({ matching: undefined });
  });

  it('knows types', () => {
    for (const [query, type] of [
      ['1 + 1', 'scalar'],
      ['1 + a', 'vector'],
      ['"a"', 'string'],
      ['(a[5m])', 'matrix'],
      ['-time()', 'scalar'],
      ['sum(a)', 'vector'],
      ['a[5m:]', 'matrix'],
      ['scalar(a)', 'scalar'],
    ] as const)
      expect([query, typeOf(parseExpr(query))]).toEqual([query, type]);
  });

  it('counts positions in bytes', () => {
    expect(parseExpr('{"é"} + x')).toMatchObject({
      left: { position: { start: 0, end: 6 } },
      right: { position: { start: 9, end: 10 } },
    });
    expect(errorOf('{"é😀"} +\n"é" }')).toBe("2:6: parse error: unexpected character: '}'");
  });
});

describe('errors', () => {
  it('shows the first and carries all', () => {
    try {
      parseExpr('abs() + rate(foo) +\n 1 and 1');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ParseError);
      const { message, position, errors } = error as ParseError;
      expect(message).toBe('1:1: parse error: expected 1 argument(s) in call to "abs", got 0');
      expect(position).toEqual({ start: 0, end: 5 });
      expect(errors.map((e) => e.message)).toEqual([
        'expected 1 argument(s) in call to "abs", got 0',
        'expected type range vector in call to function "rate", got instant vector',
        'set operator "and" not allowed in binary scalar expression',
      ]);
    }
  });

  it('survives any nesting and any length', () => {
    const long = Array.from({ length: 20_000 }, () => '-{}').join('-1');
    expect(errorOf(`(${long})${'[1m:]'.repeat(100)}`)).toMatch(/^1:3: parse error: vector selector must contain/);
    expect(errorOf('('.repeat(100_000))).toMatch(/nested too deeply|unclosed/);
    expect(errorOf(`${'-foo+'.repeat(20_000)}1`)).toBeUndefined();
  });
});

describe('parseMetricSelector', () => {
  it('parses a selector alone', () => {
    expect(parseMetricSelector('up{job="a"}')).toEqual([
      { name: 'job', type: '=', value: 'a' },
      { name: '__name__', type: '=', value: 'up' },
    ]);
    expect(parseMetricSelector('{}')).toEqual([]);
    for (const query of ['', 'up[5m]', 'up offset 5m', '1', 'sum(up)', 'up + up', '{'])
      expect(() => parseMetricSelector(query)).toThrow(ParseError);
    expect(() => parseMetricSelector('up offset')).toThrow('1:4: parse error: unexpected <offset>');
  });
});
