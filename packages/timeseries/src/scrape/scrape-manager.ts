import type { Registry } from '@opendata/server';
import type { Logger } from '@opendata/storage';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { createScrapeClient } from './fetch.ts';
import { type ScrapeLoop, startScrapeLoop, type TargetStatus } from './scrape-loop.ts';
import type { ScrapeStore } from './scrape-recorder.ts';
import { type DroppedTarget, targetsOf } from './target.ts';

export interface ScrapeManagerOptions {
  readonly jobs: readonly ScrapeJob[];
  readonly store: ScrapeStore;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly version: string;
  readonly now?: () => number;
}

export interface ScrapeManager {
  targets(): readonly TargetStatus[];
  readonly dropped: readonly DroppedTarget[];
  /** Names of the jobs, also of those without targets, in order. */
  readonly pools: readonly string[];
  /** Ends all scraping; series are left without staleness markers, as the next process goes on with them. */
  stop(): Promise<void>;
}

/** Scrapes every target of the jobs, each in a loop of its own. */
export function startScraping(options: ScrapeManagerOptions): ScrapeManager {
  const { jobs, store, registry, logger, version, now = Date.now } = options;
  const client = createScrapeClient(`opendata-timeseries/${version}`);
  const scraped = registry.counter({
    name: 'scrape_samples_scraped',
    help: 'Samples scraped, by target.',
    labelNames: ['job', 'instance'],
  });
  const failed = registry.counter({
    name: 'scrape_samples_failed',
    help: 'Scraped samples that were refused, by target.',
    labelNames: ['job', 'instance'],
  });
  const found = jobs.map((job) => targetsOf(job));
  const loops: ScrapeLoop[] = found
    .flatMap(({ active }) => active)
    .map((target) => {
      const scrapedHere = scraped.labels(target.jobLabel, target.instanceLabel);
      const failedHere = failed.labels(target.jobLabel, target.instanceLabel);
      return startScrapeLoop({
        target,
        client,
        store,
        logger,
        now,
        onScrape: (_target, outcome) => {
          scrapedHere.inc(outcome.scraped);
          failedHere.inc(outcome.failed);
        },
      });
    });
  return {
    targets: () => loops.map((loop) => loop.status()),
    dropped: found.flatMap(({ dropped }) => dropped),
    pools: jobs.map(({ jobName }) => jobName).sort(),
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      client.close();
    },
  };
}
