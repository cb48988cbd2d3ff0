import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ConfigError, type ConfigProblem } from '../config/config-error.ts';
import { readFailure } from '../config/read-failure.ts';
import { openYamlConfig } from '../config/yaml-config.ts';

/** Prometheus' names of the versions of TLS. */
const tlsVersion = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13'], { error: 'expected TLS10, TLS11, TLS12 or TLS13' });

const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];
export type TlsVersion = z.infer<typeof tlsVersion>;

const tlsSchema = z.strictObject({
  cert_file: z.string().describe('Certificate of the server (PEM), with those between it and its authority'),
  key_file: z.string().describe('Its key (PEM)'),
  client_auth_type: z
    .enum(CLIENT_AUTH_TYPES, { error: `expected one of ${CLIENT_AUTH_TYPES.join(', ')}` })
    .default('NoClientCert')
    .describe('Whether clients need a certificate'),
  client_ca_file: z
    .string()
    .optional()
    .describe('Certificates of the authorities that sign the certificates of clients'),
  min_version: tlsVersion.default('TLS12').describe('Oldest version of TLS'),
  max_version: tlsVersion.default('TLS13').describe('Newest version of TLS'),
  cipher_suites: z
    .array(z.string())
    .default([])
    .describe('Names of OpenSSL or of the IANA; those of TLS 1.3 are always on. Default: those of Node.js'),
  prefer_server_cipher_suites: z.boolean().default(true).describe('The order of the server counts'),
  curve_preferences: z.array(z.string()).default([]).describe('Names of curves. Default: those of Node.js'),
});

const headersSchema = z.strictObject({
  'Content-Security-Policy': z.string().optional().describe('Sent with every answer'),
  'X-Frame-Options': z
    .enum(['deny', 'sameorigin'], { error: 'expected deny or sameorigin' })
    .optional()
    .describe('Sent with every answer'),
  'X-Content-Type-Options': z
    .literal('nosniff', { error: 'expected nosniff' })
    .optional()
    .describe('Sent with every answer'),
  'X-XSS-Protection': z.string().optional().describe('Sent with every answer'),
  'Strict-Transport-Security': z.string().optional().describe('Sent with every answer over TLS'),
});

const bcryptHash = z.string().regex(/^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/, {
  error: 'expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d :` prints',
});

/** The web configuration file. */
export const webConfigSchema = z.strictObject({
  tls_server_config: tlsSchema.optional().describe('TLS; without it the server speaks plain HTTP'),
  http_server_config: z
    .strictObject({
      http2: z.boolean().optional().describe('Accepted for files that have it: both servers speak HTTP/1.1'),
      headers: headersSchema.default({}).describe('Headers of every answer'),
    })
    .prefault({})
    .describe('HTTP'),
  basic_auth_users: z.record(z.string().min(1), bcryptHash).default({}).describe('bcrypt hashes by user'),
  bearer_tokens_file: z
    .string()
    .optional()
    .describe("A file of tokens, one a line, each of which is as good as a user; not part of Prometheus' format"),
});

export interface WebConfig {
  readonly tls: z.infer<typeof tlsSchema> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user. */
  readonly users: ReadonlyMap<string, string>;
  readonly bearerTokensFile: string | undefined;
}

/**
 * Reads a web configuration file, Prometheus' format. Names of files in it are relative to its folder.
 * @throws ConfigError
 */
export function readWebConfig(file: string): WebConfig {
  const loaded = openYamlConfig(file, webConfigSchema);
  const { tls_server_config: tls, http_server_config, basic_auth_users, bearer_tokens_file } = loaded.value;
  const resolve = (name: string) => (isAbsolute(name) ? name : join(dirname(file), name));
  if (tls !== undefined) {
    const verifies = tls.client_auth_type.includes('Verify');
    if (verifies && tls.client_ca_file === undefined) {
      throw loaded.errorAt(['tls_server_config', 'client_auth_type'], 'needs client_ca_file to verify against');
    }
    if (!verifies && tls.client_ca_file !== undefined) {
      throw loaded.errorAt(
        ['tls_server_config', 'client_ca_file'],
        'needs a client_auth_type that verifies: VerifyClientCertIfGiven or RequireAndVerifyClientCert',
      );
    }
    if (tls.min_version > tls.max_version) {
      throw loaded.errorAt(['tls_server_config', 'min_version'], 'expected at most max_version');
    }
  }
  const problems = namedFiles(loaded.value).flatMap(({ path, name }): readonly ConfigProblem[] => {
    const failure = failureOf(resolve(name));
    return failure === undefined ? [] : loaded.errorAt(path, `${failure}: ${resolve(name)}`).problems;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    tls: tls && {
      ...tls,
      cert_file: resolve(tls.cert_file),
      key_file: resolve(tls.key_file),
      ...(tls.client_ca_file !== undefined && { client_ca_file: resolve(tls.client_ca_file) }),
    },
    headers: definedOf(http_server_config.headers),
    users: new Map(Object.entries(basic_auth_users)),
    bearerTokensFile: bearer_tokens_file === undefined ? undefined : resolve(bearer_tokens_file),
  };
}

interface NamedFile {
  readonly path: readonly string[];
  readonly name: string;
}

function namedFiles({ tls_server_config: tls, bearer_tokens_file }: z.infer<typeof webConfigSchema>): NamedFile[] {
  const names = {
    'tls_server_config.cert_file': tls?.cert_file,
    'tls_server_config.key_file': tls?.key_file,
    'tls_server_config.client_ca_file': tls?.client_ca_file,
    bearer_tokens_file,
  };
  return Object.entries(definedOf(names)).map(([path, name]) => ({ path: path.split('.'), name }));
}

function failureOf(file: string): string | undefined {
  try {
    readFileSync(file);
    return undefined;
  } catch (error) {
    return readFailure(error);
  }
}

function definedOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
