import type { TargetGroup } from '../../target.ts';
import type { Cluster } from './cluster.ts';
import { hostPort, type Labels, labelName, metaLabels, objectLabels, target } from './labels.ts';
import type { EndpointAddress, EndpointPort, EndpointSlice, Endpoints, Pod, SliceEndpoint } from './objects.ts';
import { containerLabels, containersOf, podLabels, portLabels } from './pod-targets.ts';

/** A target for each address and port, and for the other ports of the pods that are behind them. */
export function endpointsTargets(endpoints: Endpoints, cluster: Cluster, attachNode: boolean): TargetGroup[] {
  const { metadata } = endpoints;
  const collector = new EndpointCollector(cluster, attachNode, metadata?.namespace, {
    ...objectLabels('endpoints', endpoints),
    ...serviceLabels(cluster, metadata?.namespace, metadata?.name),
  });
  const add = (address: EndpointAddress, port: EndpointPort, isReady: boolean): void => {
    const labels = metaLabels({
      endpoint_port_name: port.name,
      endpoint_port_protocol: port.protocol ?? 'TCP',
      endpoint_ready: isReady,
      endpoint_node_name: address.nodeName,
      endpoint_hostname: address.hostname,
      endpoint_address_target_kind: address.targetRef?.kind,
      endpoint_address_target_name: address.targetRef?.name,
    });
    collector.add(address.ip, port.port, labels, address);
  };
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    for (const port of ports) {
      for (const address of addresses) add(address, port, true);
      for (const address of notReadyAddresses) add(address, port, false);
    }
  }
  return collector.finish();
}

/** The same of a slice of the endpoints of a service. */
export function endpointSliceTargets(slice: EndpointSlice, cluster: Cluster, attachNode: boolean): TargetGroup[] {
  const { metadata, addressType, endpoints = [], ports = [] } = slice;
  const serviceName = metadata?.labels?.['kubernetes.io/service-name'] ?? metadata?.name;
  const collector = new EndpointCollector(cluster, attachNode, metadata?.namespace, {
    ...objectLabels('endpointslice', slice),
    ...metaLabels({ endpointslice_address_type: addressType }),
    ...serviceLabels(cluster, metadata?.namespace, serviceName),
  });
  for (const port of ports) {
    for (const endpoint of endpoints) {
      const labels = { ...slicePortLabels(port), ...sliceEndpointLabels(endpoint) };
      for (const address of endpoint.addresses ?? []) collector.add(address, port.port, labels, endpoint);
    }
  }
  return collector.finish();
}

function slicePortLabels({ name, port, protocol = 'TCP', appProtocol }: EndpointPort): Labels {
  return metaLabels({
    endpointslice_port_name: name,
    endpointslice_port: port,
    endpointslice_port_protocol: protocol,
    endpointslice_port_app_protocol: appProtocol,
  });
}

function sliceEndpointLabels(endpoint: SliceEndpoint): Labels {
  const { conditions = {}, targetRef } = endpoint;
  const labels = metaLabels({
    endpointslice_endpoint_conditions_ready: conditions.ready,
    endpointslice_endpoint_conditions_serving: conditions.serving,
    endpointslice_endpoint_conditions_terminating: conditions.terminating,
    endpointslice_endpoint_hostname: endpoint.hostname,
    endpointslice_endpoint_node_name: endpoint.nodeName,
    endpointslice_endpoint_zone: endpoint.zone,
    endpointslice_address_target_kind: targetRef?.kind,
    endpointslice_address_target_name: targetRef?.name,
  });
  for (const [name, value] of Object.entries(endpoint.deprecatedTopology ?? {})) {
    const suffix = labelName(name);
    const topology = 'endpointslice_endpoint_topology';
    Object.assign(labels, metaLabels({ [`${topology}_${suffix}`]: value, [`${topology}_present_${suffix}`]: true }));
  }
  return labels;
}

function serviceLabels(cluster: Cluster, namespace: string | undefined, name: string | undefined): Labels {
  const service = cluster.find('service', namespace, name);
  return service === undefined ? {} : objectLabels('service', service);
}

/** Adds what the pods behind endpoints and their nodes say, and the ports of those pods that no endpoint has. */
class EndpointCollector {
  readonly #cluster: Cluster;
  readonly #attachNode: boolean;
  readonly #namespace: string | undefined;
  readonly #common: Labels;
  readonly #targets: TargetGroup[] = [];
  /** The ports of each pod that an endpoint has. */
  readonly #portsSeen = new Map<Pod, Set<number>>();

  constructor(cluster: Cluster, attachNode: boolean, namespace: string | undefined, common: Labels) {
    this.#cluster = cluster;
    this.#attachNode = attachNode;
    this.#namespace = namespace;
    this.#common = common;
  }

  add(address: string, port: number | undefined, labels: Labels, behind: EndpointAddress | SliceEndpoint): void {
    const own = { ...this.#common, ...labels, ...this.#nodeLabels(behind) };
    const pod = this.#podOf(behind);
    if (pod !== undefined) Object.assign(own, podLabels(pod), this.#containerAt(pod, port));
    this.#targets.push(target(port === undefined ? address : hostPort(address, port), own));
  }

  finish(): TargetGroup[] {
    for (const [pod, seen] of this.#portsSeen) {
      const ip = pod.status?.podIP ?? '';
      if (ip === '') continue;
      const labels = { ...this.#common, ...podLabels(pod) };
      for (const { container, isInit } of containersOf(pod)) {
        for (const port of container.ports ?? []) {
          if (seen.has(port.containerPort)) continue;
          const own = { ...containerLabels(container, isInit), ...portLabels(port) };
          this.#targets.push(target(hostPort(ip, port.containerPort), { ...labels, ...own }));
        }
      }
    }
    return this.#targets;
  }

  /** What is said of the container that has this port. */
  #containerAt(pod: Pod, port: number | undefined): Labels {
    const seen = this.#portsSeen.get(pod) ?? new Set();
    this.#portsSeen.set(pod, seen);
    for (const { container, isInit } of containersOf(pod)) {
      const found = container.ports?.find(({ containerPort }) => containerPort === port);
      if (found === undefined) continue;
      seen.add(found.containerPort);
      return { ...containerLabels(container, isInit), ...portLabels(found) };
    }
    return {};
  }

  #podOf({ targetRef }: EndpointAddress | SliceEndpoint): Pod | undefined {
    if (targetRef?.kind !== 'Pod') return undefined;
    return this.#cluster.find('pod', targetRef.namespace ?? this.#namespace, targetRef.name);
  }

  #nodeLabels({ nodeName, targetRef }: EndpointAddress | SliceEndpoint): Labels {
    if (!this.#attachNode) return {};
    const name = nodeName ?? (targetRef?.kind === 'Node' ? targetRef.name : undefined);
    const node = this.#cluster.find('node', undefined, name);
    return node === undefined ? {} : objectLabels('node', node);
  }
}
