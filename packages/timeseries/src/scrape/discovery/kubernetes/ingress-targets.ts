import type { TargetGroup } from '../../target.ts';
import { metaLabels, objectLabels, target } from './labels.ts';
import type { Ingress } from './objects.ts';

/** A target for each path of each host. */
export function ingressTargets(ingress: Ingress): TargetGroup[] {
  const { spec } = ingress;
  const labels = { ...objectLabels('ingress', ingress), ...metaLabels({ ingress_class_name: spec?.ingressClassName }) };
  const tlsHosts = (spec?.tls ?? []).flatMap(({ hosts = [] }) => hosts);
  return (spec?.rules ?? []).flatMap(({ host = '', http }) => {
    const scheme = tlsHosts.some((pattern) => covers(pattern, host)) ? 'https' : 'http';
    const paths = http?.paths?.map(({ path }) => path || '/') ?? ['/'];
    return paths.map((path) =>
      target(host, { ...labels, ...metaLabels({ ingress_scheme: scheme, ingress_host: host, ingress_path: path }) }),
    );
  });
}

/** `*` at the beginning of a pattern stands for one part of the name. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  const dot = host.indexOf('.');
  return pattern.startsWith('*.') && dot > 0 && pattern.slice(1) === host.slice(dot);
}
