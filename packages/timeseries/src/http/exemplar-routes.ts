import { type Expr, type Matcher, ParseError, parseExpr } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import type { ExemplarSeries } from '../head/exemplar-queries.ts';
import type { TimeSeriesReading } from '../read/reading.ts';
import { addApiRoute } from './api-route.ts';
import { formatTime, formatValue } from './json-numbers.ts';
import { labelsJson, sendJson } from './json-writer.ts';
import { badData } from './parameters.ts';
import { vectorSelectors } from './selectors.ts';

/** `/api/v1/query_exemplars`: the exemplars of all series that a query selects, whatever it computes from them. */
export function addExemplarRoutes(app: FastifyInstance, database: () => TimeSeriesReading): void {
  addApiRoute(app, {
    methods: ['GET', 'POST'],
    path: '/query_exemplars',
    async handler(parameters, reply) {
      const startMs = parameters.time('start', Number.MIN_SAFE_INTEGER);
      const endMs = parameters.time('end', Number.MAX_SAFE_INTEGER);
      if (endMs < startMs) throw badData('end timestamp must not be before start timestamp');
      const matcherSets = selectorsOf(parameters.text('query'));
      if (matcherSets.length === 0) return reply.code(204).send();
      const found = await database().exemplars(matcherSets, startMs, endMs);
      return sendJson(reply, `{"status":"success","data":[${found.map(seriesJson).join(',')}]}`);
    },
  });
}

function selectorsOf(query: string): (readonly Matcher[])[] {
  let expr: Expr;
  try {
    expr = parseExpr(query);
  } catch (error) {
    if (error instanceof ParseError) throw badData(error.message);
    throw error;
  }
  return vectorSelectors(expr).map(({ matchers }) => matchers);
}

function seriesJson({ labels, exemplars }: ExemplarSeries): string {
  const list = exemplars.map(
    (exemplar) =>
      `{"labels":${labelsJson(exemplar.labels)},"value":"${formatValue(exemplar.value)}","timestamp":${formatTime(exemplar.timestampMs)}}`,
  );
  return `{"seriesLabels":${labelsJson(labels)},"exemplars":[${list.join(',')}]}`;
}
