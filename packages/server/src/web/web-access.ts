import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { ConfigError } from '../config/config-error.ts';
import type { HttpProblem } from '../http/problem.ts';
import type { Logger } from '../logger.ts';
import { authenticate, type Credentials } from './authenticate.ts';
import { createPasswordChecker } from './password-checker.ts';
import { secureContextOptions, tlsOptions } from './tls-options.ts';
import { readWebConfig, type WebConfig } from './web-config.ts';

/** How often the files are looked at: a new certificate is used, and a removed user gone, after this. */
const WATCH_INTERVAL_MS = 5000;

/** TLS, users and headers of a server, by its web configuration file. */
export interface WebAccess {
  /** For the server, if it has TLS. Whether it has is decided at its start. */
  readonly tls: TlsOptions | undefined;
  /** Sets the headers that every answer has. */
  addHeaders(response: ServerResponse): void;
  /** @returns the answer of a request that may not pass, or nothing */
  check(request: IncomingMessage): HttpProblem | undefined | Promise<HttpProblem | undefined>;
  /** Watches the files for the server until it closes: their certificates, users and headers are then the new ones. */
  attach(server: Server, logger: Logger): void;
}

interface State {
  readonly config: WebConfig;
  readonly credentials: Credentials;
  /** What has been read: names, times and sizes. */
  readonly fingerprint: string;
}

/**
 * Without a file there is neither TLS nor authentication.
 * @throws ConfigError when the file, or one that it names, cannot be used
 */
export function loadWebAccess(file: string, intervalMs?: number): WebAccess;
export function loadWebAccess(file: string | undefined, intervalMs?: number): WebAccess | undefined;
export function loadWebAccess(file: string | undefined, intervalMs = WATCH_INTERVAL_MS): WebAccess | undefined {
  return file === undefined ? undefined : load(file, intervalMs);
}

function load(file: string, intervalMs: number): WebAccess {
  let state = read(file);
  const passwords = createPasswordChecker();
  const tls = state.config.tls && tryFiles(file, () => tlsOptions(state.config.tls!));

  function reload(server: Server): void {
    const next = read(file);
    if ((next.config.tls === undefined) !== (state.config.tls === undefined)) {
      throw new Error('TLS is switched on and off by a restart only');
    }
    if (next.config.tls !== undefined && next.config.tls.client_auth_type !== state.config.tls?.client_auth_type) {
      throw new Error('client_auth_type is changed by a restart only');
    }
    if (next.config.tls !== undefined && server instanceof TlsServer) {
      server.setSecureContext(secureContextOptions(next.config.tls));
    }
    state = next;
  }

  return {
    tls,
    addHeaders(response) {
      for (const [name, value] of Object.entries(state.config.headers)) response.setHeader(name, value);
    },
    check(request) {
      const { credentials } = state;
      if (credentials.users.size === 0 && credentials.tokenDigests.length === 0 && !hasTokensFile(state)) return;
      return authenticate(request, credentials, passwords);
    },
    attach(server, logger) {
      let seen = state.fingerprint;
      const timer = setInterval(() => {
        const now = fingerprintOf(file, state.config);
        if (now === seen) return;
        seen = now;
        try {
          reload(server);
          seen = state.fingerprint;
          logger.info({ file }, 'web configuration reloaded');
        } catch (error) {
          logger.error({ err: error, file }, 'web configuration not reloaded: the one in use stays');
        }
      }, intervalMs).unref();
      server.on('secureConnection', (socket: TLSSocket) => refuseBadCertificate(socket, state.config));
      server.once('close', () => {
        clearInterval(timer);
        passwords.close();
      });
    },
  };
}

function read(file: string): State {
  const config = readWebConfig(file);
  const fingerprint = fingerprintOf(file, config);
  const { bearerTokensFile } = config;
  const tokenDigests = bearerTokensFile === undefined ? [] : tryFiles(file, () => readTokens(bearerTokensFile));
  return { config, credentials: { users: config.users, tokenDigests }, fingerprint };
}

/** An empty file of tokens lets nobody in, rather than everybody. */
function hasTokensFile({ config }: State): boolean {
  return config.bearerTokensFile !== undefined;
}

function readTokens(file: string): Buffer[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((token) => createHash('sha256').update(token).digest());
}

function fingerprintOf(file: string, { tls, bearerTokensFile }: WebConfig): string {
  const files = [file, tls?.cert_file, tls?.key_file, tls?.client_ca_file, bearerTokensFile];
  return files
    .filter((name) => name !== undefined)
    .map((name) => {
      const stat = statSync(name, { throwIfNoEntry: false });
      return `${name} ${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    })
    .join('\n');
}

function tryFiles<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ConfigError([{ file, path: '', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** The two kinds of client authentication that OpenSSL does not know. */
function refuseBadCertificate(socket: TLSSocket, { tls }: WebConfig): void {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  const type = tls?.client_auth_type;
  if (type === 'RequireAnyClientCert' && !given) socket.destroy();
  if (type === 'VerifyClientCertIfGiven' && given && !socket.authorized) socket.destroy();
}
