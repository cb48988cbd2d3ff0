import type { Registry } from '@opendata/server';
import type { Logger } from '@opendata/storage';
import { RE2JS } from 're2js';
import { createYielder } from '../head/yielder.ts';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { createScrapeClient } from './fetch.ts';
import { type ScrapeLoop, startScrapeLoop, type TargetStatus } from './scrape-loop.ts';
import type { ScrapeStore } from './scrape-recorder.ts';
import type { DroppedTarget, ScrapeTarget } from './target.ts';
import { createTargetFinder } from './target-finder.ts';

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
  /** Targets that relabelling drops, for each job no more than it says. */
  dropped(): readonly DroppedTarget[];
  /** How many targets relabelling drops, by job. */
  droppedCounts(): Readonly<Record<string, number>>;
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
  const finder = createTargetFinder({ client, logger, onChange: () => void queue(sync) });
  let loops = new Map<string, RunningTarget>();
  let last: Promise<void> = Promise.resolve();
  let isStopped = false;

  /** One change of the targets after the other. */
  const queue = (change: () => Promise<void>): Promise<void> => {
    const done = last.then(() => (isStopped ? undefined : change()));
    last = done.catch((err: unknown) => logger.error({ err }, 'the targets could not be changed'));
    return done;
  };

  /** Goes over to the targets that are found now. */
  async function sync(): Promise<void> {
    const targets = await finder.refresh();
    const yielder = createYielder();
    const before = new Map(loops);
    const next = new Map<string, RunningTarget>();
    for (const target of targets) {
      await yielder();
      const identity = identityOf(target);
      const settings = settingsOf(target);
      const running = before.get(identity);
      before.delete(identity);
      if (running?.settings !== settings) await running?.loop.stop();
      next.set(identity, running?.settings === settings ? running : { loop: start(target), settings });
    }
    loops = next;
    const labels = new Set([...next.values()].map(({ loop }) => metricKey(loop.status().target)));
    for (const { loop } of before.values()) {
      await yielder();
      await loop.end();
      const { target } = loop.status();
      if (labels.has(metricKey(target))) continue;
      scraped.remove(target.jobLabel, target.instanceLabel);
      failed.remove(target.jobLabel, target.instanceLabel);
    }
  }

  void finder.setJobs(options.jobs);
  void queue(sync);
  return {
    targets: () => [...loops.values()].map(({ loop }) => loop.status()),
    dropped: finder.dropped,
    droppedCounts: finder.droppedCounts,
    pools: finder.pools,
    apply: (jobs) =>
      queue(async () => {
        await finder.setJobs(jobs);
        await sync();
      }),
    async stop() {
      isStopped = true;
      await finder.stop();
      await last;
      await Promise.all([...loops.values()].map(({ loop }) => loop.stop()));
      client.close();
    },
  };
}

function metricKey({ jobLabel, instanceLabel }: ScrapeTarget): string {
  return JSON.stringify([jobLabel, instanceLabel]);
}

interface RunningTarget {
  readonly loop: ScrapeLoop;
  readonly settings: string;
}

/** Where it is and which series it has. */
function identityOf({ job, url, labels }: ScrapeTarget): string {
  return JSON.stringify([job.jobName, url, labels]);
}

const knownSettings = new WeakMap<ScrapeTarget, string>();

/** How it is scraped. */
function settingsOf(target: ScrapeTarget): string {
  let text = knownSettings.get(target);
  if (text === undefined) {
    const { staticConfigs: _targets, discoveries: _found, ...settings } = target.job;
    text = JSON.stringify([settings, target.refusal], (_key, value: unknown) =>
      value instanceof RE2JS ? value.pattern() : value,
    );
    knownSettings.set(target, text);
  }
  return text;
}
