import { z } from 'zod';
import { type HttpClientSettings, httpClientKeys, resolveHttpClient } from './http-client-config.ts';
import { unsupportedMetadataKeys } from './unsupported.ts';

/** Targets that the API of a Kubernetes cluster names: Prometheus' keys and defaults. */

export const KUBERNETES_ROLES = ['node', 'service', 'pod', 'endpoints', 'endpointslice', 'ingress'] as const;
export type KubernetesRole = (typeof KUBERNETES_ROLES)[number];

const role = () => z.enum(KUBERNETES_ROLES, { error: `expected one of ${KUBERNETES_ROLES.join(', ')}` });
const flag = () => z.boolean({ error: 'expected true or false' });

/** Of which kinds a role reads the objects: its own and those whose labels it adds. */
export const KINDS_OF_ROLE: Readonly<Record<KubernetesRole, readonly KubernetesRole[]>> = {
  node: ['node'],
  service: ['service'],
  pod: ['pod', 'node'],
  endpoints: ['endpoints', 'service', 'pod', 'node'],
  endpointslice: ['endpointslice', 'service', 'pod', 'node'],
  ingress: ['ingress'],
};

export const kubernetesDiscoverySchema = z
  .strictObject({
    role: role().describe('What becomes a target'),
    api_server: z
      .string()
      .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), {
        error: "expected a URL that begins with 'http://' or 'https://'",
      })
      .optional()
      .describe('URL of the API. Default: the cluster that the server runs in, as its service account'),
    kubeconfig_file: z
      .undefined({ error: "not supported: use 'api_server' with 'authorization' and 'tls_config'" })
      .optional(),
    namespaces: z
      .strictObject({
        own_namespace: flag().default(false).describe('The namespace of the pod that the server runs in'),
        names: z.array(z.string().min(1)).default([]).describe('Names of namespaces; none of them: all'),
      })
      .default({ own_namespace: false, names: [] })
      .describe('Where objects are looked for'),
    selectors: z
      .array(
        z.strictObject({
          role: role().describe('Of which kind'),
          label: z.string().default('').describe('Label selector'),
          field: z.string().default('').describe('Field selector'),
        }),
      )
      .default([])
      .describe('Only objects that match, one selector a kind'),
    attach_metadata: z
      .strictObject({
        node: flag()
          .default(false)
          .describe('Add the labels of the node to those of its pods; needs the right to read nodes'),
        ...unsupportedMetadataKeys,
      })
      .default({ node: false })
      .describe('What else is read'),
    ...httpClientKeys,
  })
  .superRefine((config, context) => {
    const fail = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const seen = new Set<string>();
    for (const [i, selector] of config.selectors.entries()) {
      const kinds = KINDS_OF_ROLE[config.role];
      if (!kinds.includes(selector.role)) {
        fail(['selectors', i, 'role'], `expected one of ${kinds.join(', ')} for the role ${config.role}`);
      }
      if (seen.has(selector.role)) fail(['selectors', i, 'role'], `there is a selector for ${selector.role} already`);
      seen.add(selector.role);
    }
    if (config.api_server !== undefined) return;
    for (const key of ['basic_auth', 'authorization', 'tls_config'] as const) {
      if (config[key] !== undefined) fail([key], "expected together with 'api_server' only");
    }
  });

export interface KubernetesSelector {
  readonly label: string;
  readonly field: string;
}

/** Targets in a Kubernetes cluster. */
export interface KubernetesDiscoveryConfig {
  readonly kind: 'kubernetes';
  readonly role: KubernetesRole;
  /** `undefined`: the cluster that the server runs in. */
  readonly apiServer: string | undefined;
  readonly http: HttpClientSettings;
  /** None: all of them. */
  readonly namespaces: readonly string[];
  readonly ownNamespace: boolean;
  readonly selectors: Readonly<Partial<Record<KubernetesRole, KubernetesSelector>>>;
  /** Whether the labels of its node are added to a pod's. */
  readonly attachNode: boolean;
}

/** @param folder where relative paths begin */
export function resolveKubernetesDiscovery(
  config: z.infer<typeof kubernetesDiscoverySchema>,
  folder: string,
): KubernetesDiscoveryConfig {
  const { role, api_server: apiServer, namespaces, selectors, attach_metadata, ...http } = config;
  return {
    kind: 'kubernetes',
    role,
    apiServer,
    http: resolveHttpClient(http, folder),
    namespaces: namespaces.names,
    ownNamespace: namespaces.own_namespace,
    selectors: Object.fromEntries(selectors.map(({ role: kind, label, field }) => [kind, { label, field }])),
    attachNode: attach_metadata.node,
  };
}
