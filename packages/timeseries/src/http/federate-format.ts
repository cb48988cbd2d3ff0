/** How a federation is written: what the client's `Accept` prefers of what Prometheus offers there. */
export interface FederateFormat {
  readonly encoding: 'protobuf' | 'text';
  /** Names that are not of letters, digits, underscores and colons: as they are, or each other character as `_`. */
  readonly escaping: 'allow-utf-8' | 'underscores';
}

/** OpenMetrics is not offered by `/federate`, as in Prometheus: a client that wants it is given text. */
export function federateFormat(accept: string | undefined): FederateFormat {
  let escaping: FederateFormat['escaping'] = 'underscores';
  for (const { type, parameters } of rangesOf(accept ?? '')) {
    if (parameters['escaping'] !== undefined) {
      escaping = parameters['escaping'] === 'allow-utf-8' ? 'allow-utf-8' : 'underscores';
    }
    if (
      type === 'application/vnd.google.protobuf' &&
      parameters['proto'] === 'io.prometheus.client.metricfamily' &&
      parameters['encoding'] === 'delimited'
    ) {
      return { encoding: 'protobuf', escaping };
    }
    if (type === 'text/plain' && ['0.0.4', '1.0.0', undefined].includes(parameters['version'])) break;
  }
  return { encoding: 'text', escaping };
}

export function federateContentType({ encoding, escaping }: FederateFormat): string {
  return encoding === 'protobuf'
    ? `application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=${escaping}`
    : `text/plain; version=0.0.4; charset=utf-8; escaping=${escaping}`;
}

/** A name in the form that the client can read. */
export function escapeName(name: string, escaping: FederateFormat['escaping']): string {
  if (escaping === 'allow-utf-8') return name;
  return name.replace(/[^a-zA-Z0-9_:]/gu, '_').replace(/^[0-9]/, '_');
}

interface AcceptRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

/** The ranges of an `Accept`, the preferred first. */
function rangesOf(accept: string): AcceptRange[] {
  return accept
    .split(',')
    .map((range) => {
      const [type = '', ...pairs] = range.split(';').map((part) => part.trim().toLowerCase());
      const parameters = Object.fromEntries(
        pairs.map((pair) => {
          const [name = '', value = ''] = pair.split('=');
          return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')] as const;
        }),
      );
      return { type, parameters, quality: Number(parameters['q'] ?? 1) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}
