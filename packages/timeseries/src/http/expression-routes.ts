import { type Expr, exprToJson, type JsonValue, ParseError, parseExpr, prettyExpr } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { invalid } from './parameters.ts';

/** `/api/v1/format_query` and `/api/v1/parse_query`: what can be said of a query without data. */
export function addExpressionRoutes(app: FastifyInstance): void {
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/format_query',
    handler: (parameters, reply) => sendJson(reply, described(parameters.text('query'), prettyExpr)),
  });
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/parse_query',
    handler: (parameters, reply) =>
      sendJson(
        reply,
        described(parameters.text('query'), (expr) => sortedKeys(exprToJson(expr))),
      ),
  });
}

/** Keys in the order of the alphabet, as Go's encoder writes them. */
function sortedKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}

/** What is said of a query, as the API's answer. @throws a problem of the parameter where it does not parse */
function described(query: string, describe: (expr: Expr) => JsonValue): string {
  try {
    return dataResponse(describe(parseExpr(query)));
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    // A chain of thousands of operators is a tree too deep to be written down.
    if (error instanceof RangeError) throw invalid('query', 'expression is nested too deeply');
    throw error;
  }
}
