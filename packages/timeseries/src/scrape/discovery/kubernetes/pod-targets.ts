import type { TargetGroup } from '../../target.ts';
import type { Cluster } from './cluster.ts';
import { hostPort, type Labels, metaLabels, objectLabels, target } from './labels.ts';
import type { Container, ContainerPort, Pod } from './objects.ts';

/** A target for every port of every container, and one without a port for a container that names none. */
export function podTargets(pod: Pod, cluster: Cluster, attachNode: boolean): TargetGroup[] {
  const ip = pod.status?.podIP ?? '';
  if (ip === '') return [];
  const node = attachNode ? cluster.find('node', undefined, pod.spec?.nodeName) : undefined;
  const labels = { ...podLabels(pod), ...(node !== undefined && objectLabels('node', node)) };
  return containersOf(pod).flatMap(({ container, isInit }) => {
    const { ports = [] } = container;
    if (ports.length === 0) return [target(ip, { ...labels, ...containerIn(pod, container, isInit) })];
    return ports.map((port) => {
      const own = { ...containerIn(pod, container, isInit), ...portLabels(port) };
      return target(hostPort(ip, port.containerPort), { ...labels, ...own });
    });
  });
}

/** What is said of a pod as a whole. */
export function podLabels(pod: Pod): Labels {
  const { metadata, spec, status } = pod;
  const controller = metadata?.ownerReferences?.find((owner) => owner.controller === true);
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
  };
}

export function containersOf(pod: Pod): { readonly container: Container; readonly isInit: boolean }[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  return [
    ...containers.map((container) => ({ container, isInit: false })),
    ...initContainers.map((container) => ({ container, isInit: true })),
  ];
}

export function containerLabels({ name, image }: Container, isInit: boolean): Labels {
  return metaLabels({ pod_container_name: name, pod_container_image: image, pod_container_init: isInit });
}

function containerIn({ status = {} }: Pod, container: Container, isInit: boolean): Labels {
  const { containerStatuses = [], initContainerStatuses = [] } = status;
  const statuses = isInit ? initContainerStatuses : containerStatuses;
  const id = statuses.find(({ name }) => name === container.name)?.containerID;
  return { ...containerLabels(container, isInit), ...metaLabels({ pod_container_id: id }) };
}

export function portLabels({ name, containerPort, protocol = 'TCP' }: ContainerPort): Labels {
  return metaLabels({
    pod_container_port_name: name,
    pod_container_port_number: containerPort,
    pod_container_port_protocol: protocol,
  });
}
