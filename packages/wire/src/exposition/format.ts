/**
 * Formats of a scrape. `text`: Prometheus text 0.0.4 and 1.0, which differ in quoted names only. `protobuf`: delimited
 * messages of io.prometheus.client.MetricFamily.
 */
export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf';

/** What a scraper may ask for, by the names that Prometheus' configuration has. */
export const SCRAPE_PROTOCOLS = {
  PrometheusProto: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0;escaping=allow-utf-8',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
} as const;

export type ScrapeProtocol = keyof typeof SCRAPE_PROTOCOLS;

/** The `Accept` header that asks for the protocols, the first one most. */
export function scrapeAccept(protocols: readonly ScrapeProtocol[]): string {
  const wanted = protocols.map((name, i) => `${SCRAPE_PROTOCOLS[name]};q=0.${protocols.length + 1 - i}`);
  return [...wanted, '*/*;q=0.1'].join(',');
}

/**
 * The format that a scrape's Content-Type announces. Undefined where it names another one, or is missing and there is
 * no fallback: such a scrape fails.
 */
export function expositionFormatOf(
  contentType: string | undefined,
  fallback?: ExpositionFormat,
): ExpositionFormat | undefined {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'application/openmetrics-text') return 'openmetrics';
  if (mediaType === 'text/plain') return 'text';
  if (mediaType === 'application/vnd.google.protobuf') return 'protobuf';
  return fallback;
}
