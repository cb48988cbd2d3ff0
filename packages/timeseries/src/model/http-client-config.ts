import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { unsupportedHttpKeys, unsupportedSecretKeys } from './unsupported.ts';

/** How HTTP requests are made: the keys that scrape jobs and HTTP discovery share. */

const flag = () => z.boolean({ error: 'expected true or false' });
const text = () => z.string({ error: 'expected text' }).min(1, { error: 'expected text, found none' });
const file = () => z.string({ error: 'expected the path of a file' }).min(1, { error: 'expected the path of a file' });

const TLS_VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;
const tlsVersion = () =>
  z.enum(Object.keys(TLS_VERSIONS) as [keyof typeof TLS_VERSIONS], {
    error: `expected one of ${Object.keys(TLS_VERSIONS).join(', ')}`,
  });

export const httpClientKeys = {
  basic_auth: z
    .strictObject({
      username: z.string().optional().describe('User'),
      username_file: file().optional().describe('File with the user'),
      password: text().optional().describe('Password'),
      password_file: file().optional().describe('File with the password, read at every request'),
      ...unsupportedSecretKeys('username', 'password'),
    })
    .optional()
    .describe('Basic authentication; not together with `authorization`'),
  authorization: z
    .strictObject({
      type: z.string().min(1).default('Bearer').describe('Scheme of the `Authorization` header'),
      credentials: text().optional().describe('What stands behind the scheme'),
      credentials_file: file().optional().describe('File with it, read at every request'),
      ...unsupportedSecretKeys('credentials'),
    })
    .optional()
    .describe('The `Authorization` header'),
  tls_config: z
    .strictObject({
      ca: text().optional().describe('Certificates of the authorities to trust (PEM)'),
      ca_file: file().optional().describe('File with them'),
      cert: text().optional().describe('Certificate of this client (PEM)'),
      cert_file: file().optional().describe('File with it'),
      key: text().optional().describe('Key of the certificate (PEM)'),
      key_file: file().optional().describe('File with it'),
      server_name: text().optional().describe('Name that the certificate of the server must have'),
      insecure_skip_verify: flag().default(false).describe('Take any certificate'),
      min_version: tlsVersion().optional().describe('Oldest version of TLS'),
      max_version: tlsVersion().optional().describe('Newest version of TLS'),
      ...unsupportedSecretKeys('ca', 'cert', 'key'),
    })
    .optional()
    .describe('TLS of `https`'),
  follow_redirects: flag().default(true).describe('Follow redirects'),
  enable_http2: flag().optional().describe('Accepted for files that have it: requests are HTTP/1.1'),
  ...unsupportedHttpKeys,
};

const httpClientSchema = z.object(httpClientKeys);
type HttpClientFile = z.infer<typeof httpClientSchema>;

/** A text as it is in the configuration, or in a file that is read at every request. */
export interface SecretText {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/** What is sent as `Authorization`; with `username` in the way of HTTP's basic authentication. */
export interface ScrapeCredentials {
  readonly scheme: string;
  readonly username?: SecretText;
  readonly secret: SecretText;
}

export interface TlsSettings {
  readonly ca: SecretText;
  readonly cert: SecretText;
  readonly key: SecretText;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: (typeof TLS_VERSIONS)[keyof typeof TLS_VERSIONS] | undefined;
  readonly maxVersion: (typeof TLS_VERSIONS)[keyof typeof TLS_VERSIONS] | undefined;
}

export interface HttpClientSettings {
  readonly credentials: ScrapeCredentials | undefined;
  readonly tls: TlsSettings | undefined;
  readonly followRedirects: boolean;
}

/** @param folder where relative paths begin */
export function resolveHttpClient(config: HttpClientFile, folder: string): HttpClientSettings {
  return {
    credentials: resolveCredentials(config, folder),
    tls: resolveTls(config, folder),
    followRedirects: config.follow_redirects,
  };
}

function resolveCredentials(
  { basic_auth: basic, authorization }: HttpClientFile,
  folder: string,
): ScrapeCredentials | undefined {
  if (basic !== undefined) {
    return {
      scheme: 'Basic',
      username: secret(basic.username, basic.username_file, folder),
      secret: secret(basic.password, basic.password_file, folder),
    };
  }
  if (authorization === undefined) return undefined;
  const { type, credentials, credentials_file } = authorization;
  return { scheme: type, secret: secret(credentials, credentials_file, folder) };
}

function resolveTls({ tls_config: tls }: HttpClientFile, folder: string): TlsSettings | undefined {
  if (tls === undefined) return undefined;
  return {
    ca: secret(tls.ca, tls.ca_file, folder),
    cert: secret(tls.cert, tls.cert_file, folder),
    key: secret(tls.key, tls.key_file, folder),
    serverName: tls.server_name,
    insecureSkipVerify: tls.insecure_skip_verify,
    minVersion: tls.min_version && TLS_VERSIONS[tls.min_version],
    maxVersion: tls.max_version && TLS_VERSIONS[tls.max_version],
  };
}

function secret(text: string | undefined, file: string | undefined, folder: string): SecretText {
  return { text, file: file === undefined ? undefined : inFolder(folder, file) };
}

/** A path of the configuration: relative ones begin where the configuration file is. */
export function inFolder(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
