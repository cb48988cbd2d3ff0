import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ParseError } from './parse-error.ts';
import { parseExpr } from './parser.ts';
import { prettyExpr } from './pretty.ts';
import { printExpr } from './printer.ts';

interface Answer {
  readonly query: string;
  readonly error?: string;
  readonly printed?: string;
  /** Where it differs from `printed`. */
  readonly pretty?: string;
}

function answer(query: string): Answer {
  try {
    const expr = parseExpr(query);
    const printed = printExpr(expr);
    const pretty = prettyExpr(expr);
    return pretty === printed ? { query, printed } : { query, printed, pretty };
  } catch (error) {
    if (error instanceof ParseError) return { query, error: error.message };
    throw error;
  }
}

describe('what Prometheus 3.16 answers to written and generated expressions', () => {
  const fixture = new URL('../fixtures/prometheus-3.16.json', import.meta.url);
  const answers = JSON.parse(readFileSync(fixture, 'utf8')) as Answer[];

  it('has both kinds', () => {
    expect(answers.filter(({ error }) => error !== undefined).length).toBeGreaterThan(500);
    expect(answers.filter(({ printed }) => printed !== undefined).length).toBeGreaterThan(500);
  });

  it('is what we answer: messages, positions, printed and pretty forms', () => {
    expect(answers.map(({ query }) => answer(query))).toEqual(answers);
  });
});
