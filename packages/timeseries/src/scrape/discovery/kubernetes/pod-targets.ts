import type { TargetGroup } from '../../target.ts';
import type { Cluster } from './cluster.ts';
import { hostPort, type Labels, metaLabels, objectLabels, target } from './labels.ts';
import { nodeLabels } from './node-targets.ts';
import type { Container, ContainerPort, Pod } from './objects.ts';

/** A target for every port of every container, and one without a port for a container that names none. */
export function podTargets(pod: Pod, cluster: Cluster, attachNode: boolean): TargetGroup[] {
  const ip = pod.status?.podIP ?? '';
  if (ip === '') return [];
  const labels = podLabels(pod, cluster, attachNode);
  return containersOf(pod).flatMap(({ container, isInit }) => {
    const { ports = [] } = container;
    if (ports.length === 0) return [target(ip, { ...labels, ...containerLabels(pod, container, isInit) })];
    return ports.map((port) => {
      const own = { ...containerLabels(pod, container, isInit), ...portLabels(port) };
      return target(hostPort(ip, port.containerPort), { ...labels, ...own });
    });
  });
}

/** What is said of a pod as a whole, and of its node if that is wanted. */
export function podLabels(pod: Pod, cluster: Cluster, attachNode: boolean): Labels {
  const { metadata, spec, status } = pod;
  const controller = metadata?.ownerReferences?.find((owner) => owner.controller === true);
  const node = attachNode ? cluster.find('node', undefined, spec?.nodeName) : undefined;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'unknown';
  return {
    ...objectLabels('pod', pod),
    ...metaLabels({
      pod_ip: status?.podIP,
      pod_ready: ready.toLowerCase(),
      pod_phase: status?.phase,
      pod_node_name: spec?.nodeName,
      pod_host_ip: status?.hostIP,
      pod_uid: metadata?.uid,
      pod_controller_kind: controller?.kind,
      pod_controller_name: controller?.name,
    }),
    ...(node !== undefined && nodeLabels(node)),
  };
}

export function containersOf(pod: Pod): { readonly container: Container; readonly isInit: boolean }[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  return [
    ...containers.map((container) => ({ container, isInit: false })),
    ...initContainers.map((container) => ({ container, isInit: true })),
  ];
}

export function containerLabels(pod: Pod, { name, image }: Container, isInit: boolean): Labels {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = (isInit ? initContainerStatuses : containerStatuses).find((each) => each.name === name);
  return metaLabels({
    pod_container_name: name,
    pod_container_id: status?.containerID,
    pod_container_image: image,
    pod_container_init: isInit,
  });
}

export function portLabels({ name, containerPort, protocol = 'TCP' }: ContainerPort): Labels {
  return metaLabels({
    pod_container_port_name: name,
    pod_container_port_number: containerPort,
    pod_container_port_protocol: protocol,
  });
}
