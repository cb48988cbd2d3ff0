import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveScrapeJob, scrapeConfigsSchema } from '../model/scrape-config.ts';
import { createScrapeClient } from './fetch.ts';
import { targetsOf } from './target.ts';

describe.skipIf(!hasOpenssl())('a scrape over TLS', () => {
  let folder = '';
  let server: Server;
  let address = '';
  const client = createScrapeClient('test/1');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'timeseries-tls-'));
    for (const [name, subject] of [
      ['server', '/CN=metrics.example'],
      ['client', '/CN=scraper'],
    ] as const) {
      const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', subject];
      const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
      execFileSync('openssl', [...args, '-addext', 'subjectAltName=DNS:metrics.example', ...files], {
        cwd: folder,
        stdio: 'ignore',
      });
    }
    server = createServer(
      {
        cert: read('server.crt'),
        key: read('server.key'),
        ca: read('client.crt'),
        requestCert: true,
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
      },
      (request, response) =>
        response.end(`secure{authorized="${(request.socket as never as { authorized: boolean }).authorized}"} 1\n`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    client.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells its credentials to the same host over TLS only', async () => {
    const asked: string[] = [];
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      const scheme = 'encrypted' in request.socket ? 'https' : 'http';
      asked.push(`${scheme} ${request.url} ${request.headers.authorization ?? 'nobody'}`);
      const targets: Readonly<Record<string, string>> = {
        '/metrics': '/same',
        '/same': 'http:/plain',
        '/plain': 'https:/again',
      };
      const to = targets[request.url!];
      if (to === undefined) return void response.end('x 1\n');
      response.writeHead(302, { location: to.replace(':/', `://${request.headers.host}/`) }).end();
    };
    const plain = createHttpServer(handle);
    const secure = createServer({ cert: read('server.crt'), key: read('server.key') }, handle);
    for (const each of [plain, secure]) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
    // One port for both, as the rule is about the scheme: by the first byte of a connection.
    const both = createNetServer((socket) => {
      socket.once('data', (bytes) => {
        const { port } = (bytes[0] === 22 ? secure : plain).address() as AddressInfo;
        const behind = connect(port, '127.0.0.1');
        behind.write(bytes);
        socket.pipe(behind).pipe(socket);
      });
    });
    await new Promise<void>((resolve) => both.listen(0, '127.0.0.1', resolve));
    const target = `127.0.0.1:${(both.address() as AddressInfo).port}`;
    const config = {
      job_name: 'j',
      scheme: 'https',
      static_configs: [{ targets: [target] }],
      tls_config: { insecure_skip_verify: true },
      authorization: { credentials: 'secret' },
    };
    const job = resolveScrapeJob({}, scrapeConfigsSchema.parse([config])[0]!, folder);
    const { body } = await client.fetch(targetsOf(job).active[0]!, AbortSignal.timeout(60_000));
    expect(body.toString()).toBe('x 1\n');
    expect(asked).toEqual([
      'https /metrics Bearer secret',
      'https /same Bearer secret',
      'http /plain nobody',
      'https /again Bearer secret',
    ]);
    for (const each of [plain, secure]) {
      each.closeAllConnections();
      each.close();
    }
    both.close();
  });

  const scrape = async (tls?: object) => {
    const config = { job_name: 'j', scheme: 'https', static_configs: [{ targets: [address] }], tls_config: tls };
    const job = resolveScrapeJob({}, scrapeConfigsSchema.parse([config])[0]!, folder);
    const { body } = await client.fetch(targetsOf(job).active[0]!, AbortSignal.timeout(60_000));
    return body.toString();
  };

  it('trusts nobody whom it does not know', async () => {
    await expect(scrape()).rejects.toThrow('self-signed certificate');
    await expect(scrape({ ca_file: 'server.crt' })).rejects.toThrow("does not match certificate's altnames");
    await expect(scrape({ ca_file: 'client.crt', server_name: 'metrics.example' })).rejects.toThrow('self-signed');
  });

  it('knows the authority and the name that the configuration says, or is told not to care', async () => {
    const anonymous = 'secure{authorized="false"} 1\n';
    expect(await scrape({ ca_file: 'server.crt', server_name: 'metrics.example' })).toBe(anonymous);
    expect(await scrape({ ca: read('server.crt'), server_name: 'metrics.example' })).toBe(anonymous);
    expect(await scrape({ insecure_skip_verify: true })).toBe(anonymous);
    // Connections of jobs that trust are not those of jobs that do not.
    await expect(scrape()).rejects.toThrow('self-signed certificate');
  });

  it('shows its own certificate', async () => {
    const trust = { ca_file: 'server.crt', server_name: 'metrics.example' };
    const authorized = 'secure{authorized="true"} 1\n';
    expect(await scrape({ ...trust, cert_file: 'client.crt', key_file: 'client.key' })).toBe(authorized);
    expect(await scrape({ ...trust, cert: read('client.crt'), key: read('client.key') })).toBe(authorized);
    await expect(scrape({ ...trust, cert_file: 'none.crt', key_file: 'client.key' })).rejects.toThrow(
      /cannot read .*none\.crt: ENOENT/,
    );
  });

  it('insists on the version', async () => {
    await expect(scrape({ insecure_skip_verify: true, min_version: 'TLS13' })).rejects.toThrow(/version/);
    expect(await scrape({ insecure_skip_verify: true, min_version: 'TLS12' })).toContain('secure');
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
