import type { TargetGroup } from '../../target.ts';
import { hostPort, metaLabels, objectLabels, target } from './labels.ts';
import type { Service } from './objects.ts';

/** A target for each port of a service, by its name in the cluster's DNS. */
export function serviceTargets(service: Service): TargetGroup[] {
  const { metadata, spec } = service;
  const labels = objectLabels('service', service);
  const isExternal = spec?.type === 'ExternalName';
  return (spec?.ports ?? []).map(({ name, port, protocol = 'TCP' }) =>
    target(hostPort(`${metadata?.name ?? ''}.${metadata?.namespace ?? ''}.svc`, port), {
      ...labels,
      ...metaLabels({
        service_port_name: name,
        service_port_number: port,
        service_port_protocol: protocol,
        service_type: spec?.type,
        service_cluster_ip: isExternal ? undefined : spec?.clusterIP,
        service_external_name: isExternal ? spec?.externalName : undefined,
        service_loadbalancer_ip: spec?.type === 'LoadBalancer' ? spec.loadBalancerIP : undefined,
      }),
    }),
  );
}
