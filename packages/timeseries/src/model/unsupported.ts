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
  'http',
  'file',
  'ionos',
  'kubernetes',
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
      unsupported(`list the targets in 'static_configs', or ${SCRAPE_ELSEWHERE}`),
    ]),
  ),
  tls_config: unsupported(`put a proxy that speaks TLS in front of the target, or ${SCRAPE_ELSEWHERE}`),
  oauth2: unsupported(SCRAPE_ELSEWHERE),
  proxy_url: unsupported(SCRAPE_ELSEWHERE),
  proxy_from_environment: unsupported(SCRAPE_ELSEWHERE),
  no_proxy: unsupported(SCRAPE_ELSEWHERE),
  proxy_connect_header: unsupported(SCRAPE_ELSEWHERE),
  http_headers: unsupported(SCRAPE_ELSEWHERE),
  target_limit: unsupported('remove the key; targets are not limited'),
};

export const unsupportedKeys = {
  rule_files: unsupported(
    'remove the key here; a Prometheus or vmalert that queries this server can evaluate the rules and write the results back',
  ),
  alerting: unsupported('remove the key; alerts are the business of whoever evaluates the rules'),
  remote_read: unsupported('remove the key; import what is there with `opendata-timeseries import`'),
  tracing: unsupported('remove the key'),
  scrape_config_files: unsupported("put the jobs into 'scrape_configs' of this file"),
};

/** A list here is Prometheus' own section: where that server sends to. */
export function remoteWriteError(input: unknown): string | undefined {
  return Array.isArray(input)
    ? "expected a mapping with 'ack' and 'body_size_limit' for what this server receives; sending to others, which this list does in Prometheus, is not supported yet: let the senders write to both servers"
    : undefined;
}
