import { durationMs } from '@opendata/server';
import { z } from 'zod';
import { type HttpClientSettings, httpClientKeys, inFolder, resolveHttpClient } from './http-client-config.ts';
import {
  type KubernetesDiscoveryConfig,
  kubernetesDiscoverySchema,
  resolveKubernetesDiscovery,
} from './kubernetes-discovery-config.ts';

/** Where a job finds its targets, besides those that it lists: Prometheus' keys and defaults. */

const DEFAULT_FILE_REFRESH = 300_000;
const DEFAULT_HTTP_REFRESH = 60_000;
const MIN_REFRESH = { minMs: 1 };

export const discoveryKeys = {
  file_sd_configs: z
    .array(
      z.strictObject({
        files: z
          .array(
            z.string().regex(/^[^*]*(\*[^/]*)?\.(json|yml|yaml)$/i, {
              error: "expected the path of a file that ends in .json, .yml or .yaml; '*' may stand in its name",
            }),
          )
          .min(1, { error: 'file service discovery config must contain at least one path name' })
          .describe('Paths of JSON or YAML files; `*` may stand in the name'),
        refresh_interval: durationMs(MIN_REFRESH)
          .default(DEFAULT_FILE_REFRESH)
          .describe('How often they are read even if the system tells of no change'),
      }),
    )
    .default([])
    .describe('Targets in files'),
  http_sd_configs: z
    .array(
      z.strictObject({
        url: z
          .string()
          .refine(isHttpUrl, { error: "expected a URL that begins with 'http://' or 'https://'" })
          .describe('Where the list of targets is'),
        refresh_interval: durationMs(MIN_REFRESH).default(DEFAULT_HTTP_REFRESH).describe('How often it is asked'),
        ...httpClientKeys,
      }),
    )
    .default([])
    .describe('Targets that a server tells'),
  kubernetes_sd_configs: z
    .array(kubernetesDiscoverySchema)
    .default([])
    .describe('Targets that the API of a Kubernetes cluster names'),
};

const discoverySchema = z.object(discoveryKeys);

/** Targets in files, which are read when they change and every now and then. */
export interface FileDiscoveryConfig {
  readonly kind: 'file';
  /** Paths whose names may have a `*`. */
  readonly files: readonly string[];
  readonly refreshMs: number;
}

/** Targets that a server tells. */
export interface HttpDiscoveryConfig {
  readonly kind: 'http';
  readonly url: string;
  readonly refreshMs: number;
  readonly http: HttpClientSettings;
}

export type DiscoveryConfig = FileDiscoveryConfig | HttpDiscoveryConfig | KubernetesDiscoveryConfig;

export function resolveDiscoveries(job: z.infer<typeof discoverySchema>, folder: string): DiscoveryConfig[] {
  return [
    ...job.file_sd_configs.map(({ files, refresh_interval: refreshMs }): FileDiscoveryConfig => {
      return { kind: 'file', files: files.map((file) => inFolder(folder, file)), refreshMs };
    }),
    ...job.http_sd_configs.map(({ url, refresh_interval: refreshMs, ...http }): HttpDiscoveryConfig => {
      return { kind: 'http', url, refreshMs, http: resolveHttpClient(http, folder) };
    }),
    ...job.kubernetes_sd_configs.map((each) => resolveKubernetesDiscovery(each, folder)),
  ];
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
