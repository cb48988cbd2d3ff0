import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import type { ParseError } from './parse-error.ts';
import { parseExpr } from './parser.ts';
import { createQueryGenerator } from './query-generator.testing.ts';

function lezerAccepts(query: string): boolean {
  let isAccepted = true;
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) isAccepted = false;
    },
  });
  return isAccepted;
}

function errorOf(query: string): string | undefined {
  try {
    parseExpr(query);
    return undefined;
  } catch (error) {
    return (error as ParseError).message;
  }
}

/**
 * The editor's grammar knows no types, no escapes, no regular expressions, and binds what follows offsets loosely. Nor does
 * it allow every keyword as a name, so what we accept of broken expressions is not compared.
 */
function isSyntaxError(error: string): boolean {
  return /unexpected (?!.* in offset)|unclosed left|bad number/.test(error) && !error.includes('parsing regexp');
}

describe('the grammar of the UI editor', () => {
  it('accepts what we accept and rejects what we reject', () => {
    const generator = createQueryGenerator(20_260_101, { plain: true });
    const differences: string[] = [];
    let accepted = 0;
    for (let i = 0; i < 2000; i++) {
      const query = i % 2 === 0 ? generator.expression() : generator.broken();
      const error = errorOf(query);
      if (error === undefined ? i % 2 === 1 : !isSyntaxError(error)) continue;
      if (error === undefined) accepted++;
      if (lezerAccepts(query) !== (error === undefined)) differences.push(`${query}: ${error}`);
    }
    expect(differences).toEqual([]);
    expect(accepted).toBeGreaterThan(500);
  });
});
