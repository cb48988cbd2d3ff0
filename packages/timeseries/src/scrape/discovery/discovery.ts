import type { Logger } from '@opendata/storage';
import type { DiscoveryConfig } from '../../model/discovery-config.ts';
import type { ScrapeClient } from '../fetch.ts';
import type { TargetGroup } from '../target.ts';
import { startFileDiscovery } from './file-discovery.ts';
import { startHttpDiscovery } from './http-discovery.ts';
import { startKubernetesDiscovery } from './kubernetes/kubernetes-discovery.ts';

/** Finds targets until it is stopped. */
export interface Discovery {
  /** What was found so far; a source that fails keeps what it said last. */
  groups(): readonly TargetGroup[];
  /** Resolves when every source was asked once. */
  readonly asked: Promise<void>;
  stop(): Promise<void>;
}

export interface DiscoveryContext {
  readonly client: ScrapeClient;
  readonly logger: Logger;
  /** Called after the groups have changed. */
  readonly onChange: () => void;
}

export function startDiscovery(config: DiscoveryConfig, context: DiscoveryContext): Discovery {
  switch (config.kind) {
    case 'file':
      return startFileDiscovery(config, context);
    case 'http':
      return startHttpDiscovery(config, context);
    case 'kubernetes':
      return startKubernetesDiscovery(config, context);
  }
}
