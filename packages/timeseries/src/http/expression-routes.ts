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
    handler: (parameters, reply) => sendJson(reply, dataResponse(prettyExpr(parse(parameters.text('query'))))),
  });
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/parse_query',
    handler: (parameters, reply) =>
      sendJson(reply, dataResponse(sortedKeys(exprToJson(parse(parameters.text('query')))))),
  });
}

/** Keys in the order of the alphabet, as Go's encoder writes them. */
function sortedKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}

function parse(query: string): Expr {
  try {
    return parseExpr(query);
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    throw error;
  }
}
