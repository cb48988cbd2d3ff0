import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import bcrypt from 'bcryptjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeOpened, eventually, exchange, open } from '../http/http-server.testing.ts';
import { loadWebAccess } from './web-access.ts';

const hash = bcrypt.hashSync('secret', 4);
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-web-'));
});

afterEach(async () => {
  await closeOpened();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function openWith(config: string) {
  const web = loadWebAccess(file('web.yaml', config), 20);
  const rawRoutes = [
    {
      method: 'POST' as const,
      path: '/raw',
      handle: (_request: unknown, _body: Buffer, response: { end(): void }) => response.end(),
    },
  ];
  return open({ web, rawRoutes });
}

const basic = (user: string, password: string) => ({
  headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
});

describe('basic authentication', () => {
  it('lets in whom the file names, with the password only, everywhere', async () => {
    const { url } = await openWith(`basic_auth_users: {alice: '${hash}'}\n`);
    const status = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
    for (const path of ['/-/healthy', '/-/ready', '/metrics', '/nowhere']) expect(await status(path)).toBe(401);
    expect(await status('/raw', { method: 'POST', body: 'x' })).toBe(401);
    for (let round = 0; round < 2; round++) {
      expect(await status('/-/healthy', basic('alice', 'secret'))).toBe(200);
      expect(await status('/-/healthy', basic('alice', 'Secret'))).toBe(401);
      expect(await status('/-/healthy', basic('bob', 'secret'))).toBe(401);
      expect(await status('/raw', { method: 'POST', body: 'x', ...basic('alice', 'secret') })).toBe(200);
    }
    expect(await status('/-/healthy', { headers: { authorization: 'Basic ====' } })).toBe(401);
    expect(await status('/-/healthy', { headers: { authorization: 'Bearer secret' } })).toBe(401);
  });

  it('says how to identify oneself', async () => {
    const { url } = await openWith(`basic_auth_users: {alice: '${hash}'}\n`);
    const answer = await fetch(`${url}/-/healthy`);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect(await answer.text()).toContain('Unauthorized');
  });

  it('asks nobody for a body that it would not take', async () => {
    const { port } = await openWith(`basic_auth_users: {alice: '${hash}'}\n`);
    const head = 'POST /raw HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n';
    const answer = await exchange(port, head);
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
  });

  it('answers those who wait together, and takes passwords with colons and other letters', async () => {
    const password = 'a:b ü';
    const { url } = await openWith(`basic_auth_users: {alice: '${bcrypt.hashSync(password, 4)}'}\n`);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${url}/-/healthy`, basic('alice', password))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('forgets a user who is gone from the file, and keeps to the last good file', async () => {
    const { url, log } = await openWith(`basic_auth_users: {alice: '${hash}'}\n`);
    const status = async (user: string) => (await fetch(`${url}/-/healthy`, basic(user, 'secret'))).status;
    expect(await status('alice')).toBe(200);
    file('web.yaml', `basic_auth_users: {robert: '${hash}'}\n`);
    await expect.poll(() => status('alice')).toBe(401);
    expect(await status('robert')).toBe(200);
    file('web.yaml', 'basic_auth_users: [\n');
    await eventually(() => expect(log.at(-1)?.['msg']).toContain('not reloaded'));
    expect(await status('robert')).toBe(200);
  });
});

describe('bearer tokens', () => {
  it('lets in every token of the file, and a new one when the file is changed', async () => {
    const tokens = file('tokens', '# of the agents\nfirst-token\n\nsecond-token\n');
    const { url } = await openWith('bearer_tokens_file: tokens\n');
    const status = async (token: string) =>
      (await fetch(`${url}/-/healthy`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await status('first-token'), await status('second-token'), await status('third-token')]).toEqual([
      200, 200, 401,
    ]);
    expect(await status('')).toBe(401);
    expect((await fetch(`${url}/-/healthy`)).headers.get('www-authenticate')).toMatch(/^Bearer/);
    writeFileSync(tokens, 'third-token\n');
    await expect.poll(() => status('third-token')).toBe(200);
    expect(await status('first-token')).toBe(401);
    writeFileSync(tokens, '');
    await expect.poll(() => status('third-token')).toBe(401);
  });
});

it('sets the headers of the file', async () => {
  const { url } = await openWith(
    'http_server_config:\n  headers: {X-Frame-Options: deny, X-Content-Type-Options: nosniff}\n',
  );
  const { headers } = await fetch(`${url}/-/healthy`);
  expect([headers.get('x-frame-options'), headers.get('x-content-type-options')]).toEqual(['deny', 'nosniff']);
});

it.each([
  ['tls_server_config: {cert_file: a}', /key_file/],
  [
    'tls_server_config: {cert_file: none.pem, key_file: none.key}',
    /web\.yaml:1:32: tls_server_config\.cert_file: expected a file, found nothing of this name: \S+none\.pem\n.*key_file/,
  ],
  [
    'tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}',
    /needs client_ca_file/,
  ],
  ['tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}', /needs a client_auth_type/],
  ['tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}', /at most max_version/],
  ['basic_auth_users: {alice: secret}', /bcrypt/],
  ['basic_auth_user: {}', /did you mean "basic_auth_users"/],
  ['bearer_tokens_file: none', /:1:21: bearer_tokens_file: expected a file, found nothing of this name: \S+none/],
])('refuses %s', (config, message) => {
  expect(() => loadWebAccess(file('web.yaml', `${config}\n`))).toThrow(message);
});

describe.skipIf(!hasOpenssl())('TLS', () => {
  let certificates = '';
  beforeAll(() => {
    certificates = mkdtempSync(join(tmpdir(), 'opendata-certificates-'));
    for (const name of ['server', 'renewed', 'client', 'stranger']) makeCertificate(certificates, name);
  });
  afterAll(() => rmSync(certificates, { recursive: true, force: true }));

  const path = (name: string) => join(certificates, name);
  const pem = (name: string) => execFileSync('cat', [path(name)], { encoding: 'utf8' });
  const tls = (more = '') => {
    file('tls.crt', pem('server.crt'));
    file('tls.key', pem('server.key'));
    return `tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n${more}`;
  };
  const subjectOf = (port: number, more: ConnectionOptions = {}) =>
    get(port, { rejectUnauthorized: false, ...more }).then(({ subject }) => subject);

  it('serves over TLS, and not over plain HTTP', async () => {
    const { port, metric } = await openWith(tls());
    const answer = await get(port, { ca: pem('server.crt'), servername: 'localhost' });
    expect(answer).toMatchObject({ status: 200, body: 'OK\n' });
    await exchange(port, 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => expect(metric('http_malformed_requests_total{reason="tls"}')).toBe(1));
    await eventually(() => expect(metric('http_open_connections')).toBe(0));
  });

  it('uses a renewed certificate for new connections', async () => {
    const { port } = await openWith(tls());
    expect(await subjectOf(port)).toBe('server');
    file('tls.crt', pem('renewed.crt'));
    file('tls.key', pem('renewed.key'));
    await expect.poll(() => subjectOf(port)).toBe('renewed');
  });

  it('keeps to its versions of TLS', async () => {
    const { port } = await openWith(tls('  min_version: TLS13\n'));
    await expect(subjectOf(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await subjectOf(port)).toBe('server');
  });

  const client = () => ({ cert: pem('client.crt'), key: pem('client.key') });
  const stranger = () => ({ cert: pem('stranger.crt'), key: pem('stranger.key') });
  it.each([
    ['RequestClientCert', true, true, true],
    ['RequireAnyClientCert', false, true, true],
    ['VerifyClientCertIfGiven', true, false, true],
    ['RequireAndVerifyClientCert', false, false, true],
  ])('%s', async (type, nobodyPasses, strangerPasses, clientPasses) => {
    file('ca.crt', pem('client.crt'));
    const ca = type.includes('Verify') ? '  client_ca_file: ca.crt\n' : '';
    const { port } = await openWith(tls(`  client_auth_type: ${type}\n${ca}`));
    const passes = (more: ConnectionOptions) =>
      subjectOf(port, more).then(
        () => true,
        () => false,
      );
    expect([await passes({}), await passes(stranger()), await passes(client())]).toEqual([
      nobodyPasses,
      strangerPasses,
      clientPasses,
    ]);
  });

  it.skipIf(!hasPromtool())('takes a file that promtool takes', () => {
    const ciphers = '[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]';
    const config = `${tls(`  min_version: TLS12\n  cipher_suites: ${ciphers}\n  curve_preferences: [CurveP256, X25519]\n`)}
http_server_config: {http2: true, headers: {Strict-Transport-Security: max-age=31536000}}
basic_auth_users: {alice: '${hash}'}
`;
    expect(() => loadWebAccess(file('web.yaml', config))).not.toThrow();
    execFileSync('promtool', ['check', 'web-config', join(folder, 'web.yaml')], { stdio: 'pipe' });
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  /** Common name of the server's certificate. */
  readonly subject: string;
}

function get(port: number, options: ConnectionOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/-/healthy', agent: false, ...options }, (response) => {
      const subject = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body, subject }));
    });
    sent.on('error', reject).end();
  });
}

function makeCertificate(into: string, name: string): void {
  const files = ['-keyout', join(into, `${name}.key`), '-out', join(into, `${name}.crt`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-noenc', '-days', '2', ...subject, ...files], { stdio: 'pipe' });
}

function hasOpenssl(): boolean {
  return runs('openssl', ['version']);
}

function hasPromtool(): boolean {
  return runs('promtool', ['--version']);
}

function runs(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
