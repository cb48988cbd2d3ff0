import type { TargetGroup } from '../../target.ts';
import type { KubernetesObject } from './objects.ts';

export type Labels = Record<string, string>;

const PREFIX = '__meta_kubernetes_';

/** Labels by their names without the prefix that all have; those without a value are not there. */
export function metaLabels(values: Readonly<Record<string, string | number | boolean | undefined>>): Labels {
  const labels: Labels = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') labels[PREFIX + name] = String(value);
  }
  return labels;
}

/** Namespace, name, labels and annotations of an object of this kind. */
export function objectLabels(kind: string, { metadata = {} }: KubernetesObject): Labels {
  const labels = metaLabels({ namespace: metadata.namespace, [`${kind}_name`]: metadata.name });
  for (const [name, value] of Object.entries(metadata.labels ?? {})) {
    const suffix = labelName(name);
    Object.assign(labels, metaLabels({ [`${kind}_label_${suffix}`]: value, [`${kind}_labelpresent_${suffix}`]: true }));
  }
  for (const [name, value] of Object.entries(metadata.annotations ?? {})) {
    const suffix = labelName(name);
    const own = { [`${kind}_annotation_${suffix}`]: value, [`${kind}_annotationpresent_${suffix}`]: true };
    Object.assign(labels, metaLabels(own));
  }
  return labels;
}

/** What may not stand in a label's name becomes `_`. */
export function labelName(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/g, '_');
}

export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function target(address: string, labels: Labels): TargetGroup {
  return { targets: [address], labels };
}
