import { readFileSync } from 'node:fs';
import type { SecureVersion } from 'node:tls';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import type { ClientAuthType, TlsVersion, WebConfig } from './web-config.ts';

const VERSIONS: Readonly<Record<TlsVersion, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** Whether clients are asked for a certificate, and what becomes of those without a good one. */
interface ClientAuth {
  readonly requestCert: boolean;
  /** Refuse whoever has no certificate that the authorities have signed. */
  readonly rejectUnauthorized: boolean;
}

const CLIENT_AUTH: Readonly<Record<ClientAuthType, ClientAuth>> = {
  NoClientCert: { requestCert: false, rejectUnauthorized: false },
  RequestClientCert: { requestCert: true, rejectUnauthorized: false },
  RequireAnyClientCert: { requestCert: true, rejectUnauthorized: false },
  VerifyClientCertIfGiven: { requestCert: true, rejectUnauthorized: false },
  RequireAndVerifyClientCert: { requestCert: true, rejectUnauthorized: true },
};

/** Reads the certificates, and tries them. @throws Error that names what cannot be read or does not fit */
export function secureContextOptions(tls: NonNullable<WebConfig['tls']>): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: readFileSync(tls.cert_file),
    key: readFileSync(tls.key_file),
    ...(tls.client_ca_file !== undefined && { ca: readFileSync(tls.client_ca_file) }),
    minVersion: VERSIONS[tls.min_version],
    maxVersion: VERSIONS[tls.max_version],
    honorCipherOrder: tls.prefer_server_cipher_suites,
    ...(tls.cipher_suites.length > 0 && { ciphers: tls.cipher_suites.map(opensslName).join(':') }),
    ...(tls.curve_preferences.length > 0 && { ecdhCurve: tls.curve_preferences.map(curveName).join(':') }),
  };
  createSecureContext(options);
  return options;
}

export function tlsOptions(tls: NonNullable<WebConfig['tls']>): TlsOptions {
  return { ...secureContextOptions(tls), ...CLIENT_AUTH[tls.client_auth_type] };
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, as Go has it, is `ECDHE-RSA-AES128-GCM-SHA256` in OpenSSL. */
function opensslName(suite: string): string {
  if (!suite.startsWith('TLS_') || !suite.includes('_WITH_')) return suite;
  return suite
    .slice('TLS_'.length)
    .replace('_WITH_', '_')
    .replace(/AES_(\d+)/, 'AES$1')
    .replace(/_SHA256$/, suite.includes('CHACHA20') ? '' : '_SHA256')
    .replace('RSA_AES', suite.startsWith('TLS_RSA') ? 'AES' : 'RSA_AES')
    .replace(/_CBC_/, '_')
    .replaceAll('_', '-');
}

function curveName(curve: string): string {
  return { CurveP256: 'P-256', CurveP384: 'P-384', CurveP521: 'P-521' }[curve] ?? curve;
}
