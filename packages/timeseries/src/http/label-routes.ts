import { compareLabels } from '@opendata/promql';
import { HttpError, requestSignal } from '@opendata/server';
import { sortedInTurns } from '../block/sorted-in-turns.ts';
import type { LabelRequest } from '../head/label-queries.ts';
import { createYielder } from '../head/yielder.ts';
import type { TimeSeriesReading } from '../read/reading.ts';
import type { ApiReply, ApiRoute } from './api-route.ts';
import { sendPieces, writeSeriesResponse, writeTextsResponse } from './json-writer.ts';
import { badData, invalid, type Parameters } from './parameters.ts';

/** About what a label set and a text take in memory. */
const LABEL_SET_BYTES = 400;
const TEXT_BYTES = 64;

const TRUNCATED = 'results truncated due to limit';

/** `/api/v1/series`, `/api/v1/labels`, `/api/v1/label/<name>/values`. */
export function labelRoutes(database: () => TimeSeriesReading): ApiRoute[] {
  const series: ApiRoute = {
    methods: ['GET', 'POST'],
    path: '/series',
    async handler(parameters, reply) {
      if (parameters.fault !== undefined) throw badData(`error parsing form values: ${parameters.fault}`);
      if (parameters.all('match[]').length === 0) throw badData('no match[] parameter provided');
      const limit = parameters.limit();
      const series = await database().series(labelRequest(parameters, reply, (message) => invalid('match[]', message)));
      const sorted = await sortedInTurns(series, compareLabels, createYielder(requestSignal(reply)));
      const isTruncated = limit > 0 && sorted.length > limit;
      const kept = isTruncated ? sorted.slice(0, limit) : sorted;
      return await sendPieces(
        reply,
        writeSeriesResponse(kept, isTruncated ? [TRUNCATED] : []),
        kept.length * LABEL_SET_BYTES,
      );
    },
  };
  const names: ApiRoute = {
    methods: ['GET', 'POST'],
    path: '/labels',
    async handler(parameters, reply) {
      const limit = parameters.limit();
      return sendList(reply, await database().labelNames(labelRequest(parameters, reply, badData)), limit);
    },
  };
  const values: ApiRoute = {
    methods: ['GET'],
    path: '/label/:name/values',
    async handler(parameters, reply, pathParameters) {
      const limit = parameters.limit();
      const name = unescapeLabelName(pathParameters['name']!);
      if (name === '') throw new HttpError(404, 'no label name');
      return sendList(reply, await database().labelValues(name, labelRequest(parameters, reply, badData)), limit);
    },
  };
  return [series, names, values];
}

function labelRequest(parameters: Parameters, reply: ApiReply, matcherFault: (message: string) => Error): LabelRequest {
  return {
    matcherSets: parameters.matcherSets(matcherFault),
    startMs: parameters.time('start', Number.MIN_SAFE_INTEGER),
    endMs: parameters.time('end', Number.MAX_SAFE_INTEGER),
    signal: requestSignal(reply),
  };
}

function sendList(reply: ApiReply, values: readonly string[], limit: number): Promise<ApiReply> {
  const isTruncated = limit > 0 && values.length > limit;
  const kept = isTruncated ? values.slice(0, limit) : values;
  return sendPieces(reply, writeTextsResponse(kept, isTruncated ? [TRUNCATED] : []), kept.length * TEXT_BYTES);
}

/** Undoes Prometheus' escaping of UTF-8 label names in paths: `U__a_2e_b` is `a.b`; other names are as they are. */
function unescapeLabelName(escaped: string): string {
  if (!escaped.startsWith('U__')) return escaped;
  const rest = escaped.slice(3);
  if (!/^(?:[a-zA-Z0-9:]|__|_[0-9a-fA-F]{1,6}_)*$/.test(rest)) return escaped;
  return rest.replace(/__|_([0-9a-fA-F]{1,6})_/g, (_match, code?: string) =>
    code === undefined ? '_' : String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff)),
  );
}
