const WANTED =
  "expected a target as host:port, or a host alone, without scheme or path (these are the job's 'scheme' and 'metrics_path')";

/**
 * Why the address of a target can never be scraped; `undefined` where it may. A host without a port is scraped on the
 * port of its scheme, as in Prometheus.
 */
export function addressFault(address: string): string | undefined {
  if (address === '' || /[\s/?#@\\]/.test(address)) return WANTED;
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]*)(?::(.*))?$/.exec(address);
  if (match === null) return `${WANTED}; an IPv6 address in brackets, like [::1]:9090`;
  const [, host = '', port = ''] = match;
  if (!URL.canParse(`http://${host || 'localhost'}`)) return WANTED;
  if (port === '') return host === '' ? WANTED : undefined;
  if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return 'expected a target as host:port with a port from 1 to 65535';
  }
  return undefined;
}

/** The URL to ask: an address without a host, like `:9090`, is this machine. */
export function requestUrl(url: string): string {
  return url.replace(/^(https?:\/\/):/, '$1localhost:');
}
