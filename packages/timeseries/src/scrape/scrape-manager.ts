import type { Registry } from '@opendata/server';
import type { Logger } from '@opendata/storage';
import { RE2JS } from 're2js';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { createScrapeClient } from './fetch.ts';
import { type ScrapeLoop, startScrapeLoop, type TargetStatus } from './scrape-loop.ts';
import type { ScrapeStore } from './scrape-recorder.ts';
import { type DroppedTarget, type ScrapeTarget, targetsOf } from './target.ts';

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
  dropped(): readonly DroppedTarget[];
  /** Names of the jobs, also of those without targets, in order. */
  pools(): readonly string[];
  /** Goes over to other jobs: targets that stay as they are do not notice, those that are gone get staleness markers. */
  apply(jobs: readonly ScrapeJob[]): Promise<void>;
  /** Ends all scraping; series are left without staleness markers, as the next process goes on with them. */
  stop(): Promise<void>;
}

/** Scrapes every target of the jobs, each in a loop of its own. */
export function startScraping(options: ScrapeManagerOptions): ScrapeManager {
  const { store, registry, logger, version, now = Date.now } = options;
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
  const start = (target: ScrapeTarget): ScrapeLoop => {
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
  };
  let jobs = options.jobs;
  let found = jobs.map((job) => targetsOf(job));
  let loops = new Map<string, RunningTarget>();
  for (const target of found.flatMap(({ active }) => active)) {
    loops.set(identityOf(target), { loop: start(target), settings: settingsOf(target) });
  }
  return {
    targets: () => [...loops.values()].map(({ loop }) => loop.status()),
    dropped: () => found.flatMap(({ dropped }) => dropped),
    pools: () => jobs.map(({ jobName }) => jobName).sort(),
    async apply(nextJobs) {
      jobs = nextJobs;
      found = jobs.map((job) => targetsOf(job));
      const before = loops;
      loops = new Map();
      for (const target of found.flatMap(({ active }) => active)) {
        const identity = identityOf(target);
        const settings = settingsOf(target);
        const running = before.get(identity);
        before.delete(identity);
        if (running?.settings !== settings) await running?.loop.stop();
        loops.set(identity, running?.settings === settings ? running : { loop: start(target), settings });
      }
      for (const { loop } of before.values()) {
        await loop.end();
        const { jobLabel, instanceLabel } = loop.status().target;
        if (
          this.targets().some(({ target }) => target.jobLabel === jobLabel && target.instanceLabel === instanceLabel)
        ) {
          continue;
        }
        scraped.remove(jobLabel, instanceLabel);
        failed.remove(jobLabel, instanceLabel);
      }
    },
    async stop() {
      await Promise.all([...loops.values()].map(({ loop }) => loop.stop()));
      client.close();
    },
  };
}

interface RunningTarget {
  readonly loop: ScrapeLoop;
  readonly settings: string;
}

/** Where it is and which series it has. */
function identityOf({ job, url, labels }: ScrapeTarget): string {
  return JSON.stringify([job.jobName, url, labels]);
}

/** How it is scraped. */
function settingsOf({ job: { staticConfigs: _, ...settings } }: ScrapeTarget): string {
  return JSON.stringify(settings, (_key, value: unknown) => (value instanceof RE2JS ? value.pattern() : value));
}
