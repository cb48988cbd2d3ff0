const WANTED =
  "expected a target as host:port, without scheme or path (these are the job's 'scheme' and 'metrics_path')";

/** What is wrong with the address of a target; `undefined` where nothing is. */
export function addressFault(address: string, scheme: string): string | undefined {
  if (/[\s/]/.test(address) || address === '') return WANTED;
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]+)(?::(.*))?$/.exec(address);
  if (match === null || !URL.canParse(`http://${match[1]}`)) return WANTED;
  const [, host = '', port] = match;
  if (port === undefined) {
    // A name such as example.com may well be meant without a port; a bare word hardly is.
    if (/[.[]/.test(host) || scheme === 'https') return undefined;
    return `${WANTED}; ${host}:80 if that port is meant`;
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return 'expected a target as host:port with a port from 1 to 65535';
  }
  return undefined;
}
