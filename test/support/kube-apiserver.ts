import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, type ServerProcess, spawnServer } from './server-process.ts';
import { findTool } from './tools.ts';

/** `scripts/more-test-tools.sh` builds it. */
export const kubeApiserver = findTool('kube-apiserver');
export const etcd = findTool('etcd');

const adminToken = 'admin-token';

export interface KubeApiserver {
  readonly url: string;
  /** Certificate of the authority that signed the server's. */
  readonly caFile: string;
  /** A request as the administrator. @throws Error where the answer is not 2xx */
  call(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** Creates an object of Kubernetes, and then gives it the status that it has here. */
  create(path: string, object: object): Promise<void>;
  /** A token of a ServiceAccount, as a pod gets it. */
  tokenOf(namespace: string, serviceAccount: string): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** A control plane without nodes, controllers and schedulers: etcd and an API server with RBAC, on loopback. */
export async function startKubeApiserver(): Promise<KubeApiserver> {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-kube-'));
  const [port, clientPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const at = (name: string) => join(folder, name);
  execFileSync('openssl', ['genrsa', '-out', at('sa.key'), '2048'], { stdio: 'pipe' });
  execFileSync('openssl', ['rsa', '-in', at('sa.key'), '-pubout', '-out', at('sa.pub')], { stdio: 'pipe' });
  writeFileSync(at('tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`);
  const store = `http://127.0.0.1:${clientPort}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  const etcdProcess = spawnServer({
    command: etcd!,
    args: [
      ...['--data-dir', at('etcd'), '--listen-client-urls', store, '--advertise-client-urls', store],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`],
    ],
    port: clientPort,
    cwd: folder,
  });
  const url = `https://127.0.0.1:${port}`;
  let server: ServerProcess | undefined;

  const start = async (): Promise<void> => {
    server = spawnServer({
      command: kubeApiserver!,
      args: [
        ...[`--etcd-servers=${store}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'],
        ...[`--cert-dir=${at('certificates')}`, `--token-auth-file=${at('tokens.csv')}`, '--authorization-mode=RBAC'],
        ...[`--service-account-key-file=${at('sa.pub')}`, `--service-account-signing-key-file=${at('sa.key')}`],
        ...['--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.96.0.0/24'],
        // There is no controller that makes the default ServiceAccounts.
        '--disable-admission-plugins=ServiceAccount',
      ],
      port,
      cwd: folder,
    });
    for (let attempt = 0; ; attempt++) {
      const isReady = await call('GET', '/readyz').then(
        () => true,
        () => false,
      );
      if (isReady) return;
      if (attempt > 600 || server.ended)
        throw new Error(`kube-apiserver does not start: ${server.output().slice(-2000)}`);
      await sleep(100);
    }
  };

  const call = (method: string, path: string, body?: object): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
      const sent = request(`${url}${path}`, { method, headers, rejectUnauthorized: false }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        const status = response.statusCode ?? 0;
        if (status < 200 || status > 299) reject(new Error(`${method} ${path}: ${status} ${text}`));
        else resolve(text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {});
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });

  await start();
  return {
    url,
    // The server signs its own certificate where it gets none.
    caFile: at('certificates/apiserver.crt'),
    call,
    async create(path, object) {
      const created = await call('POST', path, object);
      if (!('status' in object)) return;
      const { name } = created['metadata'] as { name: string };
      await call('PUT', `${path}/${name}/status`, { ...created, status: object.status });
    },
    async tokenOf(namespace, serviceAccount) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
      const { status } = await call('POST', path, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      });
      return (status as { token: string }).token;
    },
    async stop() {
      await server?.kill('SIGKILL');
    },
    start,
    async remove() {
      await server?.kill('SIGKILL');
      await etcdProcess.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The certificate of the server, for those who have to trust it. */
export function certificateOf({ caFile }: KubeApiserver): string {
  return readFileSync(caFile, 'utf8');
}
