import { compareStrings, formatDuration } from '@opendata/promql';
import type { ScrapeJob } from '../model/scrape-config.ts';

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
}

/** The targets of a job's static configurations, each distinct one once. */
export function targetsOf(job: ScrapeJob): ScrapeTarget[] {
  const targets = new Map<string, ScrapeTarget>();
  for (const { targets: addresses, labels } of job.staticConfigs) {
    for (const address of addresses) {
      const target = createTarget(job, address, labels);
      targets.set(JSON.stringify([target.url, target.labels]), target);
    }
  }
  return [...targets.values()];
}

function createTarget(job: ScrapeJob, address: string, configured: Readonly<Record<string, string>>): ScrapeTarget {
  const labels = new Map<string, string>([['job', job.jobName]]);
  for (const [name, value] of Object.entries(configured)) labels.set(name, value);
  const scheme = labels.get('__scheme__') ?? job.scheme;
  const path = labels.get('__metrics_path__') ?? job.metricsPath;
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(job.params)) for (const value of values) params.append(name, value);
  for (const [name, value] of labels) if (name.startsWith('__param_')) params.set(name.slice(8), value);
  if (!labels.get('instance')) labels.set('instance', address);
  const query = params.size > 0 ? `?${params}` : '';
  const kept = [...labels].filter(([name, value]) => !name.startsWith('__') && value !== '');
  return {
    job,
    url: `${scheme}://${address}${path}${query}`,
    labels: kept.sort(([a], [b]) => compareStrings(a, b)).flat(),
    discoveredLabels: {
      __address__: address,
      __metrics_path__: job.metricsPath,
      __scheme__: job.scheme,
      __scrape_interval__: formatDuration(job.intervalMs),
      __scrape_timeout__: formatDuration(job.timeoutMs),
      job: job.jobName,
      ...configured,
    },
    jobLabel: labels.get('job') ?? '',
    instanceLabel: labels.get('instance') ?? '',
  };
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
