import type { ConnectionOptions } from 'node:tls';
import type { TlsSettings } from '../model/http-client-config.ts';
import { textOf } from './authorization.ts';

/**
 * What a connection is made with; connections are only shared between requests with the same. Files are read each
 * time, so that a new certificate is used without a restart.
 * @throws ScrapeError where a file cannot be read
 */
export async function tlsOptionsOf(tls: TlsSettings | undefined): Promise<ConnectionOptions> {
  if (tls === undefined) return {};
  const [ca, cert, key] = await Promise.all([textOf(tls.ca), textOf(tls.cert), textOf(tls.key)]);
  return {
    ...(ca !== '' && { ca }),
    ...(cert !== '' && { cert }),
    ...(key !== '' && { key }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(tls.minVersion !== undefined && { minVersion: tls.minVersion }),
    ...(tls.maxVersion !== undefined && { maxVersion: tls.maxVersion }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}
