import { setTimeout as sleep } from 'node:timers/promises';
import { createYielder } from '../head/yielder.ts';
import type { DiscoveryConfig } from '../model/discovery-config.ts';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { type Discovery, type DiscoveryContext, startDiscovery } from './discovery/discovery.ts';
import { createTargetMaker, type DroppedTarget, type ScrapeTarget, type Targets } from './target.ts';

/** How long new jobs wait for what their discoveries say first, so that targets of before stay without a break. */
const FIRST_ANSWER_MS = 5000;

/** The targets of jobs: those that they list and those that are discovered. */
export interface TargetFinder {
  /** Goes over to other jobs; discoveries that stay as they are go on. Resolves when the new ones have said something. */
  setJobs(jobs: readonly ScrapeJob[]): Promise<void>;
  /** The targets as they are now. One call after the other. */
  refresh(): Promise<ScrapeTarget[]>;
  dropped(): readonly DroppedTarget[];
  droppedCounts(): Readonly<Record<string, number>>;
  pools(): readonly string[];
  stop(): Promise<void>;
}

export function createTargetFinder(context: DiscoveryContext): TargetFinder {
  let jobs: readonly ScrapeJob[] = [];
  let makers: ReadonlyMap<ScrapeJob, ReturnType<typeof createTargetMaker>> = new Map();
  let found: readonly { readonly job: ScrapeJob; readonly targets: Targets }[] = [];
  let discoveries = new Map<string, Discovery>();

  const groupsOf = (job: ScrapeJob) => [
    ...job.staticConfigs,
    ...job.discoveries.flatMap((config) => discoveries.get(keyOf(config))?.groups() ?? []),
  ];

  return {
    async setJobs(nextJobs) {
      jobs = nextJobs;
      makers = new Map(jobs.map((job) => [job, createTargetMaker(job)]));
      const before = discoveries;
      discoveries = new Map();
      for (const config of jobs.flatMap((job) => job.discoveries)) {
        const key = keyOf(config);
        discoveries.set(key, discoveries.get(key) ?? before.get(key) ?? startDiscovery(config, context));
        before.delete(key);
      }
      const gone = [...before.values()].map((discovery) => discovery.stop());
      const asked = Promise.all([...discoveries.values()].map((discovery) => discovery.asked));
      const deadline = new AbortController();
      await Promise.race([asked, sleep(FIRST_ANSWER_MS, undefined, { signal: deadline.signal })]);
      deadline.abort();
      await Promise.all(gone);
    },
    async refresh() {
      const yielder = createYielder();
      const next: { readonly job: ScrapeJob; readonly targets: Targets }[] = [];
      for (const [job, make] of makers) next.push({ job, targets: await make(groupsOf(job), yielder) });
      found = next;
      return found.flatMap(({ targets }) => targets.active);
    },
    dropped: () =>
      found.flatMap(({ job: { keepDroppedTargets: most }, targets: { dropped } }) =>
        most === 0 ? dropped : dropped.slice(0, most),
      ),
    droppedCounts: () => Object.fromEntries(found.map(({ job, targets }) => [job.jobName, targets.dropped.length])),
    pools: () => jobs.map(({ jobName }) => jobName).sort(),
    async stop() {
      await Promise.all([...discoveries.values()].map((discovery) => discovery.stop()));
    },
  };
}

function keyOf(config: DiscoveryConfig): string {
  return JSON.stringify(config);
}
