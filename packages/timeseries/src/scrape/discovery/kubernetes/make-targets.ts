import { createYielder } from '../../../head/yielder.ts';
import type { KubernetesDiscoveryConfig } from '../../../model/kubernetes-discovery-config.ts';
import type { TargetGroup } from '../../target.ts';
import type { Cluster } from './cluster.ts';
import { endpointSliceTargets, endpointsTargets } from './endpoints-targets.ts';
import { ingressTargets } from './ingress-targets.ts';
import { nodeTargets } from './node-targets.ts';
import type { KubernetesObject, Node, Pod } from './objects.ts';
import { podTargets } from './pod-targets.ts';
import { serviceTargets } from './service-targets.ts';

/** The targets of an object as long as it, and the node that it is on, are the same. */
interface Made {
  readonly node: Node | undefined;
  readonly targets: readonly TargetGroup[];
}

/**
 * Makes the targets of a role of all that is known of a cluster, with turns for others. What depends on one object
 * only is made again only for objects that have changed.
 */
export function createTargetMaker(
  { role, attachNode }: Pick<KubernetesDiscoveryConfig, 'role' | 'attachNode'>,
  cluster: Cluster,
): () => Promise<readonly TargetGroup[]> {
  const made = new WeakMap<KubernetesObject, Made>();

  async function each<T extends KubernetesObject>(
    objects: readonly T[],
    targetsOf: (object: T) => readonly TargetGroup[],
  ): Promise<TargetGroup[]> {
    const yielder = createYielder();
    const all: TargetGroup[] = [];
    for (const object of objects) {
      await yielder();
      for (const target of targetsOf(object)) all.push(target);
    }
    return all;
  }

  const remembered =
    <T extends KubernetesObject>(
      make: (object: T) => readonly TargetGroup[],
      nodeOf?: (object: T) => Node | undefined,
    ) =>
    (object: T): readonly TargetGroup[] => {
      const node = nodeOf?.(object);
      const known = made.get(object);
      if (known !== undefined && known.node === node) return known.targets;
      const targets = make(object);
      made.set(object, { node, targets });
      return targets;
    };
  const nodeOfPod = (pod: Pod) => (attachNode ? cluster.find('node', undefined, pod.spec?.nodeName) : undefined);

  return () => {
    switch (role) {
      case 'node':
        return each(cluster.all('node'), remembered(nodeTargets));
      case 'service':
        return each(cluster.all('service'), remembered(serviceTargets));
      case 'pod':
        return each(
          cluster.all('pod'),
          remembered((pod: Pod) => podTargets(pod, cluster, attachNode), nodeOfPod),
        );
      case 'endpoints':
        return each(cluster.all('endpoints'), (one) => endpointsTargets(one, cluster, attachNode));
      case 'endpointslice':
        return each(cluster.all('endpointslice'), (one) => endpointSliceTargets(one, cluster, attachNode));
      case 'ingress':
        return each(cluster.all('ingress'), remembered(ingressTargets));
    }
  };
}
