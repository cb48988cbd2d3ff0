import { createServer } from 'node:http';
import { join } from 'node:path';
import { runnerImport } from 'vite';

/** The repository's folder. */
export const root = new URL('../..', import.meta.url).pathname;

/** What the tests of the storage share: the S3 server among it. */
export const { module: testing } = await runnerImport(join(root, 'packages/storage/src/testing/index.testing.ts'), {
  root,
  logLevel: 'silent',
});

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
