import { createHash } from 'node:crypto';
import { compareStrings, formatDuration, parseDuration } from '@opendata/promql';
import type { ScrapeJob } from '../model/scrape-config.ts';
import { requestUrl } from '../model/target-address.ts';
import { relabel } from '../relabel/relabel.ts';

/** One thing to scrape. */
export interface ScrapeTarget {
  readonly job: ScrapeJob;
  readonly url: string;
  /** Labels that every scraped series gets, as [name, value, …] sorted by name; `job` and `instance` among them. */
  readonly labels: readonly string[];
  /** What the configuration says of the target, as in Prometheus' labels before relabelling. */
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly jobLabel: string;
  readonly instanceLabel: string;
  /** Why the target is not asked, and every scrape of it fails. */
  readonly refusal?: string | undefined;
}

/** A target that relabelling has dropped, by its labels before. */
export interface DroppedTarget {
  readonly job: ScrapeJob;
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

export interface Targets {
  readonly active: readonly ScrapeTarget[];
  readonly dropped: readonly DroppedTarget[];
}

/** Whether others should have a turn is asked after so many. */
const TARGETS_PER_LOOK = 16;

/** Addresses with labels, as a configuration or a discovery names them. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The targets of a job in the groups, each distinct one once. */
export function targetsOf(job: ScrapeJob, groups: readonly TargetGroup[] = job.staticConfigs): Targets {
  const collector = new TargetCollector(job, new Map(), new Map());
  for (const group of groups) for (const address of group.targets) collector.add(address, group.labels);
  return collector.targets();
}

/** What became of something that was found, by a digest of that. */
type MadeTargets = Map<string, ScrapeTarget | DroppedTarget>;

/** Finds the targets of one job again and again: relabels what is new only, and gives the event loop its turns. */
export function createTargetMaker(
  job: ScrapeJob,
): (groups: readonly TargetGroup[], yielder: () => Promise<void>) => Promise<Targets> {
  let known: MadeTargets = new Map();
  return async (groups, yielder) => {
    const made: MadeTargets = new Map();
    const collector = new TargetCollector(job, known, made);
    let count = 0;
    for (const { targets, labels } of groups) {
      for (const address of targets) {
        if (count++ % TARGETS_PER_LOOK === 0) await yielder();
        collector.add(address, labels);
      }
    }
    known = made;
    return collector.targets();
  };
}

class TargetCollector {
  readonly #job: ScrapeJob;
  readonly #known: MadeTargets;
  readonly #made: MadeTargets;
  readonly #active = new Map<string, ScrapeTarget>();
  readonly #dropped: DroppedTarget[] = [];

  constructor(job: ScrapeJob, known: MadeTargets, made: MadeTargets) {
    this.#job = job;
    this.#known = known;
    this.#made = made;
  }

  add(address: string, labels: Readonly<Record<string, string>>): void {
    const key = createHash('sha1')
      .update(JSON.stringify([address, labels]))
      .digest('base64');
    const target = this.#known.get(key) ?? this.#make(address, labels);
    this.#made.set(key, target);
    if (isActive(target)) this.#active.set(JSON.stringify([target.url, target.labels]), target);
    else this.#dropped.push(target);
  }

  targets(): Targets {
    const active = this.#active;
    const dropped = this.#dropped;
    const { targetLimit } = this.#job;
    if (targetLimit === 0 || active.size <= targetLimit) return { active: [...active.values()], dropped };
    const refusal = `target_limit exceeded (number of targets: ${active.size}, limit: ${targetLimit})`;
    return { active: [...active.values()].map((target) => ({ ...target, refusal })), dropped };
  }

  #make(address: string, labels: Readonly<Record<string, string>>): ScrapeTarget | DroppedTarget {
    const job = this.#job;
    const discovered = discoveredLabels(job, address, labels);
    return createTarget(job, discovered) ?? { job, discoveredLabels: Object.fromEntries(discovered) };
  }
}

function isActive(target: ScrapeTarget | DroppedTarget): target is ScrapeTarget {
  return 'url' in target;
}

/** The labels that relabelling begins with. */
function discoveredLabels(
  job: ScrapeJob,
  address: string,
  configured: Readonly<Record<string, string>>,
): Map<string, string> {
  const labels = new Map<string, string>([
    ['__address__', address],
    ['__metrics_path__', job.metricsPath],
    ['__scheme__', job.scheme],
    ['__scrape_native_histograms__', String(job.histograms.nativeHistograms)],
    ['__always_scrape_classic_histograms__', String(job.histograms.classicToo)],
    ['__scrape_interval__', formatDuration(job.intervalMs)],
    ['__scrape_timeout__', formatDuration(job.timeoutMs)],
    ['job', job.jobName],
  ]);
  for (const [name, [first]] of Object.entries(job.params)) {
    if (first !== undefined) labels.set(`__param_${name}`, first);
  }
  for (const [name, value] of Object.entries(configured)) labels.set(name, value);
  return labels;
}

/** `undefined` where relabelling drops the target or leaves it without what a scrape needs. */
function createTarget(job: ScrapeJob, discovered: ReadonlyMap<string, string>): ScrapeTarget | undefined {
  const labels = new Map(discovered);
  if (!relabel(labels, job.relabelRules)) return undefined;
  const address = labels.get('__address__') ?? '';
  const intervalMs = durationOf(labels.get('__scrape_interval__'));
  const timeoutMs = durationOf(labels.get('__scrape_timeout__'));
  if (address === '' || address.includes('/') || intervalMs === undefined || timeoutMs === undefined) return undefined;
  if (timeoutMs > intervalMs) return undefined;
  const query = new URLSearchParams();
  for (const [name, [first = '', ...rest]] of Object.entries(job.params)) {
    for (const value of [labels.get(`__param_${name}`) ?? first, ...rest]) query.append(name, value);
  }
  for (const [name, value] of labels) {
    if (name.startsWith('__param_') && !query.has(name.slice(8))) query.append(name.slice(8), value);
  }
  const url = `${labels.get('__scheme__')}://${address}${withSlash(labels.get('__metrics_path__') ?? '')}${query.size > 0 ? `?${query}` : ''}`;
  if (!URL.canParse(requestUrl(url))) return undefined;
  if (!labels.get('instance')) labels.set('instance', address);
  const kept = [...labels].filter(([name, value]) => !name.startsWith('__') && value !== '');
  return {
    job: { ...job, intervalMs, timeoutMs },
    url,
    labels: kept.sort(([a], [b]) => compareStrings(a, b)).flat(),
    discoveredLabels: Object.fromEntries(discovered),
    jobLabel: labels.get('job') ?? '',
    instanceLabel: labels.get('instance') ?? '',
  };
}

function withSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

function durationOf(text: string | undefined): number | undefined {
  try {
    const durationMs = parseDuration(text ?? '');
    return durationMs > 0 ? durationMs : undefined;
  } catch {
    return undefined;
  }
}

/** A number that is the same for the same target in every process: spreads targets over their interval. */
export function targetHash(target: ScrapeTarget): number {
  let hash = 0x811c9dc5;
  for (const character of `${target.url}\n${target.labels.join('\n')}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
