import { checkHttpClient, listOf, type Report, recordOf } from './check-http-client.ts';
import { DEFAULT_SCRAPE_INTERVAL_MS } from './scrape-config.ts';
import { addressFault } from './target-address.ts';

/**
 * Reports every fault that spans several keys.
 * @param names of the jobs of other files; those of this one are added
 * @param config the file, whose parts may be of any type where they are in error themselves
 */
export function checkScrapeConfigs(config: unknown, report: Report, names = new Set<unknown>()): void {
  const global = recordOf(recordOf(config)['global']);
  const intervalMs = numberOf(global['scrape_interval']) ?? DEFAULT_SCRAPE_INTERVAL_MS;
  const timeoutMs = numberOf(global['scrape_timeout']);
  if (timeoutMs !== undefined && timeoutMs > intervalMs) {
    report(['global', 'scrape_timeout'], 'global scrape timeout greater than scrape interval');
  }
  for (const [i, value] of listOf(recordOf(config)['scrape_configs']).entries()) {
    const job = recordOf(value);
    const name = job['job_name'];
    if (typeof name === 'string' && names.has(name)) {
      report(['scrape_configs', i, 'job_name'], `found multiple scrape configs with job name "${name}"`);
    }
    names.add(name);
    const jobTimeoutMs = numberOf(job['scrape_timeout']);
    if (jobTimeoutMs !== undefined && jobTimeoutMs > (numberOf(job['scrape_interval']) ?? intervalMs)) {
      report(
        ['scrape_configs', i, 'scrape_timeout'],
        `scrape timeout greater than scrape interval for scrape config with job name "${name}"`,
      );
    }
    checkTargets(job, i, report);
    checkHttpClient(job, (path, message) => report(['scrape_configs', i, ...path], message));
    for (const key of ['http_sd_configs', 'kubernetes_sd_configs']) {
      for (const [j, discovery] of listOf(job[key]).entries()) {
        const at = ['scrape_configs', i, key, j];
        checkHttpClient(recordOf(discovery), (path, message) => report([...at, ...path], message));
      }
    }
  }
}

/** Where targets are relabelled, what stands there need not be an address. */
function checkTargets(job: Readonly<Record<string, unknown>>, i: number, report: Report): void {
  if (listOf(job['relabel_configs']).length > 0) return;
  for (const [j, group] of listOf(job['static_configs']).entries()) {
    for (const [k, target] of listOf(recordOf(group)['targets']).entries()) {
      const fault = typeof target === 'string' ? addressFault(target) : undefined;
      if (fault !== undefined) report(['scrape_configs', i, 'static_configs', j, 'targets', k], fault);
    }
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
