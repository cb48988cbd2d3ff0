/** Text formats of a scrape. `text`: Prometheus text 0.0.4 and 1.0, which differ in quoted names only. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** What a scraper asks for, the preferred first. */
export const SCRAPE_ACCEPT =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,' +
  'application/openmetrics-text;version=0.0.1;q=0.4,' +
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,' +
  'text/plain;version=0.0.4;q=0.2,' +
  '*/*;q=0.1';

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
  return fallback;
}
