import type { FastifyInstance } from 'fastify';
import type { TimeSeriesDb } from '../db.ts';
import type { ScrapeManager } from '../scrape/scrape-manager.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { Parameters } from './parameters.ts';

export interface StatusRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly version: string;
  readonly scraping: () => ScrapeManager | undefined;
}

/** `/api/v1/metadata`, `/api/v1/targets`, `/api/v1/status/buildinfo` and the page at `/`. */
export function addStatusRoutes(app: FastifyInstance, { database, version, scraping }: StatusRouteOptions): void {
  app.get('/', (_request, reply) => {
    reply.type('text/plain; charset=utf-8').send(welcomePage(version));
  });
  app.get('/api/v1/status/buildinfo', (_request, reply) => {
    const goVersion = '';
    const build = { version, revision: '', branch: '', buildUser: '', buildDate: '', goVersion };
    return sendJson(reply, dataResponse(build));
  });
  app.get('/api/v1/metadata', (request, reply) => {
    const parameters = new Parameters(request.url, undefined);
    const limit = parameters.number('limit') ?? -1;
    const perMetric = parameters.number('limit_per_metric') ?? -1;
    const metric = parameters.text('metric');
    const data: Record<string, unknown> = Object.create(null);
    let count = 0;
    for (const [family, entries] of database().metadata.entries()) {
      if (metric !== '' && family !== metric) continue;
      if (limit >= 0 && count >= limit) break;
      data[family] = perMetric > 0 ? entries.slice(0, perMetric) : entries;
      count++;
    }
    return sendJson(reply, dataResponse(data));
  });
  app.get('/api/v1/targets', (_request, reply) => {
    const activeTargets = (scraping()?.targets() ?? []).map(
      ({ target, health, lastError, lastScrapeMs, lastDurationMs }) => ({
        discoveredLabels: {},
        labels: Object.fromEntries(pairs(target.labels)),
        scrapePool: target.job.jobName,
        scrapeUrl: target.url,
        globalUrl: target.url,
        lastError,
        lastScrape: new Date(lastScrapeMs).toISOString(),
        lastScrapeDuration: lastDurationMs / 1000,
        health,
        scrapeInterval: `${target.job.intervalMs / 1000}s`,
        scrapeTimeout: `${target.job.timeoutMs / 1000}s`,
      }),
    );
    return sendJson(reply, dataResponse({ activeTargets, droppedTargets: [], droppedTargetCounts: {} }));
  });
}

function* pairs(labels: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i]!, labels[i + 1]!];
}

function welcomePage(version: string): string {
  return `opendata-timeseries ${version}

Prometheus' HTTP API is at /api/v1, for example:

  /api/v1/query?query=up
  /api/v1/label/__name__/values
  /api/v1/targets

Remote write goes to /api/v1/write. Health: /-/ready, /-/healthy. Own metrics: /metrics.
`;
}
