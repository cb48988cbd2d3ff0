import { type Expr, exprToJson, ParseError, parseExpr, prettyExpr } from '@opendata/promql';
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
    handler: (parameters, reply) => sendJson(reply, dataResponse(exprToJson(parse(parameters.text('query'))))),
  });
}

function parse(query: string): Expr {
  try {
    return parseExpr(query);
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    throw error;
  }
}
