import type { TargetGroup } from '../../target.ts';
import type { Cluster } from './cluster.ts';
import { hostPort, type Labels, labelName, metaLabels, objectLabels, target } from './labels.ts';
import type { EndpointAddress, EndpointPort, EndpointSlice, Endpoints, Pod, SliceEndpoint } from './objects.ts';
import { containerLabels, containersOf, podLabels, portLabels } from './pod-targets.ts';

/** A target for each address and port, and for the other ports of the pods that are behind them. */
export function endpointsTargets(endpoints: Endpoints, cluster: Cluster, attachNode: boolean): TargetGroup[] {
  const { metadata } = endpoints;
  const collector = new EndpointCollector(cluster, attachNode, {
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
    collector.add(address.ip, port.port, labels, podOf(cluster, address, metadata?.namespace), address.nodeName);
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
  const collector = new EndpointCollector(cluster, attachNode, {
    ...objectLabels('endpointslice', slice),
    ...metaLabels({ endpointslice_address_type: addressType }),
    ...serviceLabels(cluster, metadata?.namespace, serviceName),
  });
  for (const port of ports) {
    for (const endpoint of endpoints) {
      const labels = { ...slicePortLabels(port), ...sliceEndpointLabels(endpoint) };
      const pod = podOf(cluster, endpoint, metadata?.namespace);
      for (const address of endpoint.addresses ?? []) collector.add(address, port.port, labels, pod, endpoint.nodeName);
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

function podOf(cluster: Cluster, { targetRef }: EndpointAddress | SliceEndpoint, namespace: string | undefined) {
  if (targetRef?.kind !== 'Pod') return undefined;
  return cluster.find('pod', targetRef.namespace ?? namespace, targetRef.name);
}

/** Adds what the pods behind endpoints say, and the ports of those that no endpoint has. */
class EndpointCollector {
  readonly #cluster: Cluster;
  readonly #attachNode: boolean;
  readonly #common: Labels;
  readonly #targets: TargetGroup[] = [];
  /** The ports of each pod that an endpoint has. */
  readonly #portsSeen = new Map<Pod, Set<number>>();

  constructor(cluster: Cluster, attachNode: boolean, common: Labels) {
    this.#cluster = cluster;
    this.#attachNode = attachNode;
    this.#common = common;
  }

  add(
    address: string,
    port: number | undefined,
    labels: Labels,
    pod: Pod | undefined,
    nodeName: string | undefined,
  ): void {
    const own = { ...this.#common, ...labels };
    const at = port === undefined ? address : hostPort(address, port);
    if (pod === undefined) {
      this.#targets.push(target(at, { ...own, ...this.#nodeLabels(nodeName) }));
      return;
    }
    Object.assign(own, podLabels(pod, this.#cluster, this.#attachNode));
    const seen = this.#portsSeen.get(pod) ?? new Set();
    this.#portsSeen.set(pod, seen);
    for (const { container, isInit } of containersOf(pod)) {
      const found = container.ports?.find(({ containerPort }) => containerPort === port);
      if (found === undefined) continue;
      seen.add(found.containerPort);
      Object.assign(own, containerLabels(pod, container, isInit), portLabels(found));
      break;
    }
    this.#targets.push(target(at, own));
  }

  finish(): TargetGroup[] {
    for (const [pod, seen] of this.#portsSeen) {
      const { podIP: ip = '', phase } = pod.status ?? {};
      if (ip === '' || phase === 'Failed' || phase === 'Succeeded') continue;
      const labels = { ...this.#common, ...podLabels(pod, this.#cluster, this.#attachNode) };
      for (const { container, isInit } of containersOf(pod)) {
        for (const port of container.ports ?? []) {
          if (seen.has(port.containerPort)) continue;
          const own = { ...containerLabels(pod, container, isInit), ...portLabels(port) };
          this.#targets.push(target(hostPort(ip, port.containerPort), { ...labels, ...own }));
        }
      }
    }
    return this.#targets;
  }

  #nodeLabels(name: string | undefined): Labels {
    if (!this.#attachNode || name === undefined) return {};
    const node = this.#cluster.find('node', undefined, name);
    return node === undefined ? {} : objectLabels('node', node);
  }
}
