import type { TargetGroup } from '../../target.ts';
import { hostPort, type Labels, labelName, metaLabels, objectLabels, target } from './labels.ts';
import type { Node } from './objects.ts';

/** Kinds of addresses, the preferred first. */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'LegacyHostIP', 'Hostname'];

/** A node's kubelet. */
export function nodeTargets(node: Node): TargetGroup[] {
  const address = addressOf(node);
  if (address === undefined) return [];
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  const addresses: Labels = {};
  for (const { type, address: value } of [...(node.status?.addresses ?? [])].reverse()) {
    Object.assign(addresses, metaLabels({ [`node_address_${labelName(type)}`]: value }));
  }
  const instance = node.metadata?.name ?? '';
  const own = metaLabels({ node_provider_id: node.spec?.providerID });
  return [target(hostPort(address, port), { ...objectLabels('node', node), ...own, ...addresses, instance })];
}

function addressOf({ status }: Node): string | undefined {
  for (const type of ADDRESS_TYPES) {
    const found = status?.addresses?.find((each) => each.type === type);
    if (found !== undefined) return found.address;
  }
  return undefined;
}
