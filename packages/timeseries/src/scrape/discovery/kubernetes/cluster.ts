import type { KubernetesRole } from '../../../model/kubernetes-discovery-config.ts';
import type { EndpointSlice, Endpoints, Ingress, KubernetesObject, Node, Pod, Service } from './objects.ts';

export interface ObjectsOfKind {
  readonly node: Node;
  readonly service: Service;
  readonly pod: Pod;
  readonly endpoints: Endpoints;
  readonly endpointslice: EndpointSlice;
  readonly ingress: Ingress;
}

/** What is known of a cluster. */
export interface Cluster {
  /** All objects of a kind, by namespace and name. */
  all<K extends KubernetesRole>(kind: K): readonly ObjectsOfKind[K][];
  find<K extends KubernetesRole>(
    kind: K,
    namespace: string | undefined,
    name: string | undefined,
  ): ObjectsOfKind[K] | undefined;
}

export function objectKey(namespace: string | undefined, name: string | undefined): string {
  return `${namespace ?? ''}/${name ?? ''}`;
}

export function keyOfObject({ metadata = {} }: KubernetesObject): string {
  return objectKey(metadata.namespace, metadata.name);
}
