import { DEFAULT_SCRAPE_INTERVAL_MS } from './scrape-config.ts';
import { addressFault } from './target-address.ts';

type Report = (path: readonly PropertyKey[], message: string) => void;

/**
 * Reports every fault that spans several keys.
 * @param config the file, whose parts may be of any type where they are in error themselves
 */
export function checkScrapeConfigs(config: unknown, report: Report): void {
  const global = recordOf(recordOf(config)['global']);
  const intervalMs = numberOf(global['scrape_interval']) ?? DEFAULT_SCRAPE_INTERVAL_MS;
  const timeoutMs = numberOf(global['scrape_timeout']);
  if (timeoutMs !== undefined && timeoutMs > intervalMs) {
    report(['global', 'scrape_timeout'], 'global scrape timeout greater than scrape interval');
  }
  const names = new Set<unknown>();
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
    checkCredentials(job, i, report);
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

function checkCredentials(job: Readonly<Record<string, unknown>>, i: number, report: Report): void {
  const at = (...path: string[]) => ['scrape_configs', i, ...path];
  if (job['basic_auth'] !== undefined && job['authorization'] !== undefined) {
    report(at('authorization'), 'at most one of basic_auth and authorization must be configured');
  }
  const basic = recordOf(job['basic_auth']);
  for (const key of ['username', 'password']) {
    if (basic[key] !== undefined && basic[`${key}_file`] !== undefined) {
      report(at('basic_auth', `${key}_file`), `at most one of ${key} and ${key}_file must be configured`);
    }
  }
  const authorization = recordOf(job['authorization']);
  if (authorization['credentials'] !== undefined && authorization['credentials_file'] !== undefined) {
    report(
      at('authorization', 'credentials_file'),
      'at most one of credentials and credentials_file must be configured',
    );
  }
  if (String(authorization['type']).toLowerCase() === 'basic') {
    report(at('authorization', 'type'), 'authorization type cannot be set to "basic", use "basic_auth" instead');
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
