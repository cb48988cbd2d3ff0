import { type Expr, exprToJson, type JsonValue, ParseError, parseExpr, prettyExpr } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import { addApiRoute } from './api-route.ts';
import { jsonText } from './json-text.ts';
import { sendJson } from './json-writer.ts';
import { invalid } from './parameters.ts';

/** `/api/v1/format_query` and `/api/v1/parse_query`: what can be said of a query without data. */
export function addExpressionRoutes(app: FastifyInstance): void {
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/format_query',
    handler: (parameters, reply) =>
      sendJson(
        reply,
        described(parameters.text('query'), (expr) => jsonText(prettyExpr(expr))),
      ),
  });
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/parse_query',
    handler: (parameters, reply) =>
      sendJson(
        reply,
        described(parameters.text('query'), (expr) => sortedJson(exprToJson(expr))),
      ),
  });
}

/** A piece of JSON between values. */
interface Written {
  readonly [WRITTEN]: string;
}
const WRITTEN = Symbol('written');

function written(text: string): Written {
  return { [WRITTEN]: text };
}

/** JSON with keys in the order of the alphabet, as Go's encoder writes it, of trees of any depth. */
function sortedJson(root: JsonValue): string {
  const parts: string[] = [];
  const todo: (JsonValue | Written)[] = [root];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'object' && next !== null && WRITTEN in next) parts.push(next[WRITTEN]);
    else if (Array.isArray(next)) {
      todo.push(written(']'));
      for (let i = next.length - 1; i >= 0; i--) todo.push(next[i]!, written(i === 0 ? '' : ','));
      todo.push(written('['));
    } else if (typeof next === 'object' && next !== null) {
      const entries = Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1));
      todo.push(written('}'));
      for (let i = entries.length - 1; i >= 0; i--) {
        const [key, value] = entries[i]!;
        todo.push(value, written(`${i === 0 ? '' : ','}${jsonText(key)}:`));
      }
      todo.push(written('{'));
    } else parts.push(jsonText(next));
  }
  return parts.join('');
}

/** What is said of a query, as the API's answer. @throws a problem of the parameter where it does not parse */
function described(query: string, describe: (expr: Expr) => string): string {
  try {
    return `{"status":"success","data":${describe(parseExpr(query))}}`;
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    // Too long a chain of operators would be a text of gigabytes.
    if (error instanceof RangeError) throw invalid('query', 'expression is nested too deeply');
    throw error;
  }
}
