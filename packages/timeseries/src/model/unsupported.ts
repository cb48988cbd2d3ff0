import { z } from 'zod';

/** A key of Prometheus' that is known and not there yet: it is refused with what to do instead. */
function unsupported(instead: string) {
  return z.undefined({ error: `not supported yet: ${instead}` }).optional();
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
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
] as const;

const SCRAPE_ELSEWHERE =
  'let a Prometheus in agent mode, or an OpenTelemetry collector, scrape and remote-write to this server';

export const unsupportedScrapeKeys = {
  ...Object.fromEntries(
    DISCOVERIES.map((name) => [
      `${name}_sd_configs`,
      unsupported(`use 'file_sd_configs' or 'http_sd_configs' with a list from elsewhere, or ${SCRAPE_ELSEWHERE}`),
    ]),
  ),
  native_histogram_bucket_limit: unsupported('remove the key'),
  native_histogram_min_bucket_factor: unsupported('remove the key'),
};

/** Of how HTTP requests are made. */
export const unsupportedHttpKeys = {
  oauth2: unsupported(SCRAPE_ELSEWHERE),
  proxy_url: unsupported(`make the target reachable from this server, or ${SCRAPE_ELSEWHERE}`),
  proxy_from_environment: unsupported(`make the target reachable from this server, or ${SCRAPE_ELSEWHERE}`),
  no_proxy: unsupported('remove the key; there is no proxy'),
  proxy_connect_header: unsupported('remove the key; there is no proxy'),
  http_headers: unsupported(SCRAPE_ELSEWHERE),
};

export const unsupportedGlobalKeys = {
  query_log_file: unsupported('remove the key; with LOG_LEVEL=debug every request is in the log'),
  scrape_failure_log_file: unsupported('remove the key; failing scrapes are in the log and at /api/v1/targets'),
};

export const unsupportedKeys = {
  rule_files: unsupported(
    'remove the key here; a Prometheus or vmalert that queries this server can evaluate the rules and write the results back',
  ),
  alerting: unsupported('remove the key; alerts are the business of whoever evaluates the rules'),
  remote_read: unsupported('remove the key; import what is there with `opendata-timeseries import`'),
  tracing: unsupported('remove the key'),
};

/** A list here is Prometheus' own section: where that server sends to. */
export function remoteWriteError(input: unknown): string | undefined {
  return Array.isArray(input)
    ? "expected a mapping with 'ack' and 'body_size_limit' for what this server receives; sending to others, which this list does in Prometheus, is not supported yet: let the senders write to both servers"
    : undefined;
}
