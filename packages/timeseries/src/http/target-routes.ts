import { formatDuration, quote } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import type { TargetStatus } from '../scrape/scrape-loop.ts';
import type { ScrapeManager } from '../scrape/scrape-manager.ts';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';
import { invalid } from './parameters.ts';

/** What `type` of `/api/v1/rules` may be. */
const RULE_TYPES: ReadonlySet<string> = new Set(['', 'alert', 'record']);

/** `/api/v1/targets`, `/api/v1/scrape_pools`, and the answers about rules and alerts, of which this server has none. */
export function addTargetRoutes(app: FastifyInstance, scraping: () => ScrapeManager | undefined): void {
  addApiRoute(app, {
    methods: ['GET'],
    path: '/targets',
    handler(parameters, reply) {
      const state = parameters.text('state').toLowerCase();
      const pool = parameters.text('scrapePool');
      const targets = (scraping()?.targets() ?? []).filter(({ target }) => pool === '' || target.job.jobName === pool);
      const dropped = (scraping()?.dropped() ?? []).filter(({ job }) => pool === '' || job.jobName === pool);
      const pools = (scraping()?.pools() ?? []).filter((name) => pool === '' || name === pool);
      const counts = scraping()?.droppedCounts() ?? {};
      // What is no state shows nothing, as in Prometheus.
      const showsAll = state === '' || state === 'any';
      const showsActive = showsAll || state === 'active';
      const showsDropped = showsAll || state === 'dropped';
      return sendJson(
        reply,
        dataResponse({
          activeTargets: showsActive ? targets.map(activeTarget) : [],
          droppedTargets: showsDropped
            ? dropped.map(({ job, discoveredLabels }) => ({ discoveredLabels, scrapePool: job.jobName }))
            : [],
          droppedTargetCounts: showsDropped ? Object.fromEntries(pools.map((name) => [name, counts[name] ?? 0])) : null,
        }),
      );
    },
  });
  addApiRoute(app, {
    methods: ['GET'],
    path: '/scrape_pools',
    handler(_parameters, reply) {
      return sendJson(reply, dataResponse({ scrapePools: scraping()?.pools() ?? [] }));
    },
  });
  addApiRoute(app, {
    methods: ['GET'],
    path: '/rules',
    handler(parameters, reply) {
      const type = parameters.text('type');
      if (!RULE_TYPES.has(type)) throw invalid('type', `not supported value ${quote(type)}`);
      return sendJson(reply, dataResponse({ groups: [] }));
    },
  });
  const nothing = {
    '/alerts': { alerts: [] },
    '/alertmanagers': { activeAlertmanagers: [], droppedAlertmanagers: [] },
  };
  for (const [path, data] of Object.entries(nothing)) {
    addApiRoute(app, {
      methods: ['GET'],
      path,
      handler: (_parameters, reply) => sendJson(reply, dataResponse(data)),
    });
  }
}

function activeTarget({ target, health, lastError, lastScrapeMs, lastDurationMs }: TargetStatus): object {
  return {
    discoveredLabels: target.discoveredLabels,
    labels: Object.fromEntries(pairs(target.labels)),
    scrapePool: target.job.jobName,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError,
    lastScrape: lastScrapeMs === 0 ? '0001-01-01T00:00:00Z' : new Date(lastScrapeMs).toISOString(),
    lastScrapeDuration: lastDurationMs / 1000,
    health,
    scrapeInterval: formatDuration(target.job.intervalMs),
    scrapeTimeout: formatDuration(target.job.timeoutMs),
  };
}

function* pairs(labels: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i]!, labels[i + 1]!];
}
