import { z } from 'zod';

/** A key of Prometheus' that is known and not there: it is refused with what to do instead. */
function refused(message: string) {
  return z.undefined({ error: message }).optional();
}

function unsupported(instead: string) {
  return refused(`not supported yet: ${instead}`);
}

const DISCOVERIES = [
  'aws',
  'azure',
  'consul',
  'digitalocean',
  'dns',
  'docker',
  'dockerswarm',
  'ec2',
  'ecs',
  'elasticache',
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'msk',
  'nerve',
  'nomad',
  'openstack',
  'outscale',
  'ovhcloud',
  'puppetdb',
  'rds',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
] as const;

const SCRAPE_ELSEWHERE =
  'let a Prometheus in agent mode, or an OpenTelemetry collector, scrape and remote-write to this server';

const FAILED_SCRAPES = 'remove the key; failing scrapes are in the log and at /api/v1/targets';

export const unsupportedScrapeKeys = {
  ...Object.fromEntries(
    DISCOVERIES.map((name) => [
      `${name}_sd_configs`,
      unsupported(`use 'file_sd_configs' or 'http_sd_configs' with a list from elsewhere, or ${SCRAPE_ELSEWHERE}`),
    ]),
  ),
  scrape_failure_log_file: unsupported(FAILED_SCRAPES),
  native_histogram_bucket_limit: unsupported('remove the key'),
  native_histogram_min_bucket_factor: unsupported('remove the key'),
};

/** Of how HTTP requests are made. */
export const unsupportedHttpKeys = {
  bearer_token: refused('not supported, as it is deprecated in Prometheus: use authorization: {credentials: ...}'),
  bearer_token_file: refused(
    'not supported, as it is deprecated in Prometheus: use authorization: {credentials_file: ...}',
  ),
  oauth2: unsupported(SCRAPE_ELSEWHERE),
  proxy_url: unsupported(`make the target reachable from this server, or ${SCRAPE_ELSEWHERE}`),
  proxy_from_environment: unsupported(`make the target reachable from this server, or ${SCRAPE_ELSEWHERE}`),
  no_proxy: unsupported('remove the key; there is no proxy'),
  proxy_connect_header: unsupported('remove the key; there is no proxy'),
  http_headers: unsupported(SCRAPE_ELSEWHERE),
};

/** Keys that name a secret of a secret manager. */
export function unsupportedSecretKeys<Name extends string>(...names: readonly Name[]) {
  const refusals = names.map((name) => [`${name}_ref`, unsupported(`use '${name}_file' or '${name}'`)]);
  return Object.fromEntries(refusals) as Record<`${Name}_ref`, ReturnType<typeof unsupported>>;
}

export const unsupportedMetadataKeys = Object.fromEntries(
  ['namespace', 'deployment', 'job', 'cronjob'].map((name) => [
    name,
    unsupported("remove the key; kind and name of a pod's controller are in '__meta_kubernetes_pod_controller_*'"),
  ]),
);

export const unsupportedGlobalKeys = {
  query_log_file: unsupported('remove the key; with LOG_LEVEL=debug every request is in the log'),
  scrape_failure_log_file: unsupported(FAILED_SCRAPES),
};

export const unsupportedKeys = {
  rule_files: unsupported(
    'remove the key here; a Prometheus or vmalert that queries this server can evaluate the rules and write the results back',
  ),
  alerting: unsupported('remove the key; alerts are the business of whoever evaluates the rules'),
  remote_read: unsupported('remove the key; import what is there with `opendata-timeseries import`'),
  tracing: unsupported('remove the key'),
  runtime: refused('a setting of the Go runtime, which this server does not have: remove the key'),
};

/** Keys of Prometheus' section of the same name, with what stands for them here. */
const PROMETHEUS_STORAGE_KEYS: Readonly<Record<string, string>> = {
  tsdb: "here 'storage' says where everything is kept; in place of 'tsdb.retention' use 'retention' and 'retention_size', the others are not needed: samples of any age are taken",
  exemplars: "here 'storage' says where everything is kept; exemplars are kept without a setting",
};

/** What to write instead of the keys of Prometheus' `storage` section. */
export function storageRefusals(section: unknown): (readonly [key: string, message: string])[] {
  if (typeof section !== 'object' || section === null) return [];
  return Object.entries(PROMETHEUS_STORAGE_KEYS).filter(([key]) => key in section);
}

/** A list here is Prometheus' own section: where that server sends to. */
export function remoteWriteError(input: unknown): string | undefined {
  return Array.isArray(input)
    ? "expected a mapping with 'ack' and 'body_size_limit' for what this server receives; sending to others, which this list does in Prometheus, is not supported yet: let the senders write to both servers"
    : undefined;
}
