import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { exprToJson, type JsonValue, ParseError, parseExpr, prettyExpr } from '@opendata/promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryGenerator } from '../../packages/promql/src/query-generator.testing.ts';
import { type Oracle, startPrometheus } from './prometheus.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const count = Number(process.env['DIFFERENTIAL_COUNT'] ?? 500);
const cases = new URL('../../../shared/promql-parser/cases.json', import.meta.url);

/** What can be said of a query's text: how it reads, its tree, or why it is none. */
interface Syntax {
  readonly formatted?: string;
  readonly tree?: JsonValue;
  readonly error?: string;
}

function ours(query: string): Syntax {
  try {
    const expr = parseExpr(query);
    return { formatted: prettyExpr(expr), tree: asSent(exprToJson(expr)) };
  } catch (error) {
    if (error instanceof ParseError) return { error: `invalid parameter "query": ${error.message}` };
    throw error;
  }
}

/** JSON cannot have bytes that are no UTF-8, which we keep as lone surrogates. */
function asSent(tree: JsonValue): JsonValue {
  return JSON.parse(
    JSON.stringify(tree, (_, value: unknown) => {
      return typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value;
    }),
  ) as JsonValue;
}

async function theirs(oracle: Oracle, query: string): Promise<Syntax> {
  const [formatted, tree] = await Promise.all([
    oracle.call('format_query', { query }),
    oracle.call('parse_query', { query }),
  ]);
  if (formatted.status !== 'success') return { error: formatted.error ?? '' };
  return {
    formatted: formatted.data as unknown as string,
    ...(tree.status === 'success' ? { tree: asSent(tree.data as unknown as JsonValue) } : {}),
  };
}

/**
 * Prometheus 3.15 takes `step()` before a colon for no duration, which 3.16 has mended, and prints the `{}` of
 * `info(up, {})` as nothing, which no longer parses.
 */
function isKnown({ error, formatted }: Syntax): boolean {
  return error?.includes('unexpected colon before duration') === true || /,(?: \)| {2}\S)/.test(formatted ?? '');
}

describe.skipIf(!existsSync(binary))('the syntax of the newest Prometheus', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startPrometheus(binary, true);
  });
  afterAll(() => oracle?.stop());

  async function compare(queries: readonly string[]): Promise<void> {
    const differences: unknown[] = [];
    for (const query of queries) {
      const [actual, expected] = [ours(query), await theirs(oracle, query)];
      if (isKnown(expected)) continue;
      try {
        expect(actual).toMatchObject(expected);
      } catch {
        differences.push({ query, actual, expected });
      }
    }
    const out = process.env['DIFFERENTIAL_OUT'];
    if (out) appendFileSync(out, `${differences.map((one) => JSON.stringify(one, null, 1)).join('\n')}\n`);
    expect(differences.slice(0, 5)).toEqual([]);
  }

  it(`reads ${count} generated texts alike, half of them broken (seed ${seed})`, { timeout: 3_600_000 }, async () => {
    const generator = createQueryGenerator(seed);
    await compare(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? generator.expression() : generator.broken())));
  });

  it.skipIf(!existsSync(cases))('reads the cases of the parser alike', { timeout: 600_000 }, async () => {
    const list = JSON.parse(readFileSync(cases, 'utf8')) as { readonly input: string }[];
    await compare(list.map(({ input }) => input));
  });
});
