import { createHash } from 'node:crypto';
import type { HttpDiscoveryConfig } from '../../model/discovery-config.ts';
import { ScrapeError } from '../scrape-error.ts';
import type { TargetGroup } from '../target.ts';
import type { Discovery, DiscoveryContext } from './discovery.ts';
import { startRefreshLoop } from './refresh-loop.ts';
import { MAX_LIST_BYTES, parseJsonTargetGroups } from './target-groups.ts';

const TIMEOUT_MS = 60_000;

/** Asks a server for target groups at the refresh interval. While it fails, what it said last holds. */
export function startHttpDiscovery(
  config: HttpDiscoveryConfig,
  { client, logger, onChange }: DiscoveryContext,
): Discovery {
  const { url, http, refreshMs } = config;
  let found: readonly TargetGroup[] = [];
  /** Of the body that `found` was in. */
  let foundDigest = '';
  let failure = '';

  /** Whether the answer is another one than before. */
  const ask = async (signal: AbortSignal): Promise<boolean> => {
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'gzip',
      'x-prometheus-refresh-interval-seconds': String(refreshMs / 1000),
    };
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const { body, contentType = '' } = await client.get(
      { url, http, headers, bodySizeLimitBytes: MAX_LIST_BYTES },
      deadline,
    );
    if (!/^application\/json(;\s*charset="?utf-8"?)?\s*$/i.test(contentType.trim())) {
      throw new ScrapeError(`unsupported content type ${JSON.stringify(contentType)}`);
    }
    const digest = createHash('sha256').update(body).digest('base64');
    if (digest === foundDigest) return false;
    found = await parseJsonTargetGroups(body.toString('utf8'), url, { __meta_url: url });
    foundDigest = digest;
    return true;
  };

  const refresh = async (signal: AbortSignal): Promise<void> => {
    try {
      const isNew = await ask(signal);
      if (failure !== '') logger.info({ url }, 'a server tells its targets again');
      failure = '';
      if (isNew) onChange();
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== failure) logger.warn({ url, reason }, 'a server does not tell its targets');
      failure = reason;
    }
  };

  const loop = startRefreshLoop(refreshMs, refresh);
  return { groups: () => found, asked: loop.first, stop: () => loop.stop() };
}
