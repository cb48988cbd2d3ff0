import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@opendata/storage';
import { expect, it } from 'vitest';
import type { KubernetesObject } from './objects.ts';
import { startWatcher } from './watcher.ts';

it('a list that does not come is given up at its deadline, and asked for again', async () => {
  const pod: KubernetesObject = { metadata: { name: 'p', namespace: 'n' } };
  let lists = 0;
  const server = createServer((request, response) => {
    if (request.url!.includes('watch=1')) return void response.writeHead(200).flushHeaders();
    lists++;
    // The first answers nothing, the second half of it.
    if (lists === 2) response.writeHead(200).write('{"items": [');
    if (lists > 2) response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [pod] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const objects = new Map<string, KubernetesObject>();
  const reasons: unknown[] = [];
  const watcher = startWatcher({
    api: { url, http: { credentials: undefined, tls: undefined, followRedirects: true } },
    path: '/api/v1/pods',
    labelSelector: '',
    fieldSelector: '',
    logger: { ...silentLogger, warn: ({ reason }: { reason?: unknown }) => void reasons.push(reason) },
    objects,
    onChange: () => undefined,
    listTimeoutMs: 100,
  });
  await watcher.asked;
  expect(objects.size).toBe(0);
  await expect.poll(() => [...objects.values()]).toEqual([pod]);
  // On a busy machine one more may come too late.
  expect(lists).toBeGreaterThanOrEqual(3);
  expect(reasons[0]).toMatch(/timeout|aborted/i);
  await watcher.stop();
  server.closeAllConnections();
  server.close();
});
