import { compileMatcher, type Matcher, ParseError, parseMetricSelector } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import type { ScrapeManager } from '../scrape/scrape-manager.ts';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { badData, invalid } from './parameters.ts';

/** `/api/v1/targets/metadata`: what each target says of its metrics. */
export function addTargetMetadataRoute(app: FastifyInstance, scraping: () => ScrapeManager | undefined): void {
  addApiRoute(app, {
    methods: ['GET'],
    path: '/targets/metadata',
    handler(parameters, reply) {
      const limitText = parameters.text('limit');
      if (limitText !== '' && !/^[+-]?\d{1,15}$/.test(limitText)) throw badData('limit must be a number');
      const limit = limitText === '' ? -1 : Number(limitText);
      const matches = targetMatcher(parameters.text('match_target'));
      const wanted = parameters.text('metric');
      const data: object[] = [];
      for (const { target, metadata } of scraping()?.targets() ?? []) {
        if (!matches(target.labels)) continue;
        const labels: Record<string, string> = {};
        for (let i = 0; i < target.labels.length; i += 2) labels[target.labels[i]!] = target.labels[i + 1]!;
        for (const { family, type, help, unit } of metadata) {
          if (limit >= 0 && data.length >= limit) break;
          if (wanted !== '' && family !== wanted) continue;
          data.push({ target: labels, ...(wanted === '' && { metric: family }), type, help, unit });
        }
      }
      return sendJson(reply, dataResponse(data));
    },
  });
}

function targetMatcher(selector: string): (labels: readonly string[]) => boolean {
  if (selector === '') return () => true;
  let matchers: readonly Matcher[];
  try {
    matchers = parseMetricSelector(selector);
  } catch (error) {
    if (error instanceof ParseError) throw invalid('match_target', error.message);
    throw error;
  }
  const compiled = matchers.map((matcher) => ({ name: matcher.name, matcher: compileMatcher(matcher) }));
  return (labels) =>
    compiled.every(({ name, matcher }) => {
      for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return matcher.matches(labels[i + 1]!);
      return matcher.matchesEmpty;
    });
}
