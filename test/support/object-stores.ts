import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GcsFront, startGcsFront } from './gcs-front.ts';
import { freePort } from './server-process.ts';
import { findTool } from './tools.ts';

/** A server of objects that is not ours, started as a process. */
export interface ObjectStore {
  /** For the `object_store:` section, and the environment, of a server that uses it. */
  readonly objectStore: string;
  readonly env: Readonly<Record<string, string>>;
  start(): Promise<void>;
  /** An outage: connections stay open and nothing answers. (Azurite has not everything on disk when it is killed.) */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
}

/** S3 over a folder, with conditional puts. */
export const versitygw = findTool('versitygw');
/** Azure Blob Storage over a folder. */
export const azurite = findTool('azurite-blob');

/** Google Cloud Storage over a folder; `scripts/more-test-tools.sh` builds it. */
export const fakeGcsServer = findTool('fake-gcs-server');

const bucket = 'bucket';

export async function createVersitygw(folder: string): Promise<ObjectStore> {
  const port = await freePort();
  const objects = join(folder, 'objects');
  mkdirSync(join(objects, bucket), { recursive: true });
  const keys = ['versity-access', 'versity-secret'] as const;
  const address = `127.0.0.1:${port}`;
  const args = ['--access', keys[0], '--secret', keys[1], '--port', address, '--quiet', 'posix', objects];
  return {
    ...processOf(versitygw!, args, `http://${address}/`),
    objectStore: `{type: Aws, bucket: ${bucket}, region: us-east-1, endpoint: 'http://${address}', allow_http: true}`,
    env: { AWS_ACCESS_KEY_ID: keys[0], AWS_SECRET_ACCESS_KEY: keys[1] },
  };
}

/** The account that every Azurite has; its key is published. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export async function createAzurite(folder: string): Promise<ObjectStore> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/${account}`;
  const args = ['--silent', '--skipApiVersionCheck', '--location', join(folder, 'azurite'), '--blobPort', String(port)];
  const store = processOf(azurite!, args, url);
  return {
    ...store,
    async start() {
      await store.start();
      await makeContainer(url);
    },
    objectStore: `{type: Azure, account: ${account}, container: ${bucket}, endpoint: '${url}', allow_http: true}`,
    env: { AZURE_STORAGE_ACCOUNT_KEY: accountKey },
  };
}

export async function createFakeGcsServer(folder: string): Promise<ObjectStore> {
  const port = await freePort();
  const objects = join(folder, 'gcs');
  const address = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`];
  const url = `http://127.0.0.1:${port}`;
  const args = [...address, '-backend', 'filesystem', '-filesystem-root', objects, '-log-level', 'error'];
  const store = processOf(fakeGcsServer!, args, url);
  const front: GcsFront = await startGcsFront(url);
  const account = {
    gcs_base_url: front.url,
    disable_oauth: true,
    client_email: '',
    private_key: '',
    private_key_id: '',
  };
  return {
    ...store,
    async start() {
      await store.start();
      const answer = await fetch(`${url}/storage/v1/b`, { method: 'POST', body: JSON.stringify({ name: bucket }) });
      if (!answer.ok) throw new Error(`no bucket: ${answer.status} ${await answer.text()}`);
    },
    objectStore: `{type: Gcp, bucket: ${bucket}}`,
    env: { GOOGLE_SERVICE_ACCOUNT_KEY: JSON.stringify(account), GOOGLE_ALLOW_HTTP: 'true' },
    async kill() {
      front.stop();
      await store.kill();
    },
  };
}

/** Create Container, signed with the key of the account. */
async function makeContainer(url: string): Promise<void> {
  const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' };
  const canonicalHeaders = Object.entries(headers)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
  const resource = `/${account}/${account}/${bucket}\nrestype:container`;
  const text = `PUT${'\n'.repeat(12)}${canonicalHeaders}${resource}`;
  const signature = createHmac('sha256', Buffer.from(accountKey, 'base64')).update(text).digest('base64');
  const response = await fetch(`${url}/${bucket}?restype=container`, {
    method: 'PUT',
    headers: { ...headers, authorization: `SharedKey ${account}:${signature}` },
  });
  if (response.status !== 201) throw new Error(`no container: ${response.status} ${await response.text()}`);
}

function processOf(command: string, args: readonly string[], url: string): Omit<ObjectStore, 'objectStore' | 'env'> {
  let child: ChildProcess | undefined;
  return {
    async start() {
      const started = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      let output = '';
      started.stderr?.on('data', (chunk: Buffer) => {
        output += String(chunk);
      });
      while (!(await answers(url))) {
        if (started.exitCode !== null) throw new Error(`${command} ended:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child?.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Any answer will do. */
async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return true;
    },
    () => false,
  );
}
