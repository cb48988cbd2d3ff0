import {
  KINDS_OF_ROLE,
  type KubernetesDiscoveryConfig,
  type KubernetesRole,
} from '../../../model/kubernetes-discovery-config.ts';
import type { TargetGroup } from '../../target.ts';
import type { Discovery, DiscoveryContext } from '../discovery.ts';
import { apiOf, type KubernetesApi, ownNamespace } from './api.ts';
import { type Cluster, type ObjectsOfKind, objectKey } from './cluster.ts';
import { createTargetMaker } from './make-targets.ts';
import type { KubernetesObject } from './objects.ts';
import { startWatcher, type Watcher } from './watcher.ts';

/** Changes that come so close together are one: a rollout is hundreds of them. */
const SETTLE_MS = 200;
/** How much longer than it took to make the targets nothing is made of further changes. */
const REST_FACTOR = 10;

const PATHS: Readonly<Record<KubernetesRole, readonly [group: string, resource: string]>> = {
  node: ['/api/v1', 'nodes'],
  service: ['/api/v1', 'services'],
  pod: ['/api/v1', 'pods'],
  endpoints: ['/api/v1', 'endpoints'],
  endpointslice: ['/apis/discovery.k8s.io/v1', 'endpointslices'],
  ingress: ['/apis/networking.k8s.io/v1', 'ingresses'],
};

/** Follows the objects of a cluster; its targets are what the role makes of them. */
export function startKubernetesDiscovery(config: KubernetesDiscoveryConfig, context: DiscoveryContext): Discovery {
  const { logger } = context;
  const stores = new Map<KubernetesRole, Map<string, KubernetesObject>[]>();
  const watchers: Watcher[] = [];
  let found: readonly TargetGroup[] = [];
  let settling: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isChanged = false;
  /** How long it took to make the targets the last time. */
  let makingMs = 0;
  /** Before every kind was listed, targets would be without labels that they have. */
  let isAsked = false;

  const onChange = (): void => {
    isChanged = true;
    if (!isAsked || isStopped) return;
    settling ??= setTimeout(
      async () => {
        await make();
        settling = undefined;
        if (isChanged) onChange();
      },
      Math.max(SETTLE_MS, REST_FACTOR * makingMs),
    );
  };

  const make = async (): Promise<void> => {
    isChanged = false;
    const startMs = performance.now();
    try {
      found = await targets();
    } catch (error) {
      logger.error({ err: error }, 'kubernetes_sd_configs: no targets can be made of what the API server says');
    }
    makingMs = performance.now() - startMs;
    if (!isStopped) context.onChange();
  };

  const start = (api: KubernetesApi, namespaces: readonly string[]): void => {
    const kinds = KINDS_OF_ROLE[config.role].filter(
      (kind) => kind !== 'node' || config.role === 'node' || config.attachNode,
    );
    for (const kind of kinds) {
      const selector = config.selectors[kind];
      const maps: Map<string, KubernetesObject>[] = [];
      stores.set(kind, maps);
      for (const path of pathsOf(kind, namespaces)) {
        const objects = new Map<string, KubernetesObject>();
        maps.push(objects);
        watchers.push(
          startWatcher({
            api,
            path,
            labelSelector: selector?.label ?? '',
            fieldSelector: selector?.field ?? '',
            logger,
            objects,
            onChange,
          }),
        );
      }
    }
  };

  const open = async (): Promise<void> => {
    try {
      const own = config.ownNamespace ? [await ownNamespace()] : [];
      const api = apiOf(config);
      if (!isStopped) start(api, [...new Set([...own, ...config.namespaces])]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ reason }, 'kubernetes_sd_configs: no targets can be found');
    }
    await Promise.all(watchers.map((watcher) => watcher.asked));
    if (isStopped) return;
    await make();
    isAsked = true;
    if (isChanged) onChange();
  };

  const cluster: Cluster = {
    all: <K extends KubernetesRole>(kind: K) =>
      (stores.get(kind) ?? []).flatMap((objects) => [...objects.values()] as ObjectsOfKind[K][]),
    find: <K extends KubernetesRole>(kind: K, namespace: string | undefined, name: string | undefined) => {
      const key = objectKey(kind === 'node' ? undefined : namespace, name);
      for (const objects of stores.get(kind) ?? []) {
        const object = objects.get(key);
        if (object !== undefined) return object as ObjectsOfKind[K];
      }
      return undefined;
    },
  };

  const targets = createTargetMaker(config, cluster);
  const asked = open();
  return {
    groups: () => found,
    asked,
    async stop() {
      isStopped = true;
      clearTimeout(settling);
      await Promise.all(watchers.map((watcher) => watcher.stop()));
      await asked;
    },
  };
}

function pathsOf(kind: KubernetesRole, namespaces: readonly string[]): string[] {
  const [group, resource] = PATHS[kind];
  if (kind === 'node' || namespaces.length === 0) return [`${group}/${resource}`];
  return namespaces.map((namespace) => `${group}/namespaces/${encodeURIComponent(namespace)}/${resource}`);
}
