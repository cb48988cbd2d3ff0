import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { useBucketRig } from '../support/bucket-rig.ts';
import { databases, startOn, storageSection } from '../support/databases.ts';
import { sleep, until } from '../support/load.ts';
import { type ServerProcess, spawnOurs } from '../support/server-process.ts';

/** What a stop may take when the store answers: 10 s, and up to 30 s where the machine has more to do than it can. */
function stopBoundMs(): number {
  return 10_000 * Math.min(3, Math.max(1, loadavg()[0]! / availableParallelism()));
}

vi.setConfig({ testTimeout: 240_000 });

const rig = useBucketRig();

let paths = 0;
const onFolder = (more = '') =>
  storageSection(`{type: Local, path: ${join(rig.workspace.folder, `data${++paths}`)}}`) + more;
const onBucket = () =>
  storageSection(`{type: Aws, bucket: ${rig.s3.bucket}}`).replace('path: db', `path: db${++paths}`);
const throughProxy = () => ({ ...rig.s3.env, AWS_ENDPOINT_URL: rig.proxy.endpoint });

describe.each(databases)('$name', (database) => {
  it.each([
    { signal: 'SIGTERM' as const, durable: true },
    { signal: 'SIGINT' as const, durable: false },
  ])(
    'stops on $signal under full load and has lost nothing acknowledged (durable: $durable)',
    async ({ signal, durable }) => {
      const config = onFolder(durable ? '' : database.memoryAckConfig);
      const server = await startOn(database, rig.workspace, config);
      const witness = database.createWitness();
      const load = witness.startLoad({ clients: 24, url: () => server.url, durable });
      await until('acknowledged writes', () => witness.acknowledged > 300);
      const stoppedMs = performance.now();
      expect(await server.kill(signal)).toBe(0);
      expect(performance.now() - stoppedMs).toBeLessThan(stopBoundMs());
      await load.stop();
      for (const { failure } of load.answers) expect(failure).not.toBe('TimeoutError');

      const restarted = await startOn(database, rig.workspace, config);
      await witness.verify(restarted);
      expect(await restarted.kill('SIGTERM')).toBe(0);
    },
  );

  it.each([
    [0, 0],
    [300, 300],
    [300, 1200],
  ])(
    'stops on SIGTERM under full load while a second one takes over (a store that takes %i ms, %i ms later): nothing acknowledged is lost',
    async (delayMs, laterMs) => {
      const config = onBucket();
      const first = await startOn(database, rig.workspace, config, throughProxy());
      let current = first;
      const witness = database.createWitness();
      const load = witness.startLoad({ clients: 24, url: () => current.url });
      await until('acknowledged writes', () => witness.acknowledged > 100);
      rig.proxy.setFault(delayMs === 0 ? undefined : { kind: 'latency', delayMs });

      const starting = startOn(database, rig.workspace, config, rig.s3.env);
      await sleep(laterMs);
      const stoppedMs = performance.now();
      const code = await first.kill('SIGTERM');
      expect(performance.now() - stoppedMs).toBeLessThan(stopBoundMs());
      // 3: the second one was quicker, and the first could not write any more; it had acknowledged nothing of that.
      expect([0, 3], first.output()).toContain(code);
      current = await starting;
      rig.proxy.setFault(undefined);
      const acknowledged = witness.acknowledged;
      await until('writes acknowledged by the second', () => witness.acknowledged > acknowledged + 100);
      await load.stop();
      for (const { status, failure } of load.answers) {
        expect([0, 200, 204, 503]).toContain(status);
        expect(failure).not.toBe('TimeoutError');
      }
      await witness.verify(current);
      expect(await current.kill('SIGTERM')).toBe(0);
    },
  );

  it('answers what is in flight, and closes its connections', async () => {
    const config = onBucket();
    const server = await startOn(database, rig.workspace, config, throughProxy());
    rig.proxy.setFault({ kind: 'latency', delayMs: 1000 });
    const witness = database.createWitness();
    const load = witness.startLoad({ clients: 20, url: () => server.url });
    await until('requests in flight', async () => (await requestsInFlight(server)) > 20);
    const stopping = server.kill('SIGTERM');
    await until('connections refused', () => load.answers.some(({ failure }) => failure === 'ECONNREFUSED'));
    rig.proxy.setFault(undefined);
    expect(await stopping).toBe(0);
    await load.stop();
    expect(load.count(200) + load.count(204)).toBeGreaterThanOrEqual(20);
    for (const { status, failure } of load.answers) {
      expect([0, 200, 204]).toContain(status);
      if (status === 0) expect(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET']).toContain(failure);
    }

    const restarted = await startOn(database, rig.workspace, config, rig.s3.env);
    await witness.verify(restarted);
    expect(await restarted.kill('SIGTERM')).toBe(0);
  });

  it.each([
    ['SIGTERM' as const, 143],
    ['SIGINT' as const, 130],
  ])('ends at once on a second %s', async (signal, code) => {
    const server = await startOn(database, rig.workspace, onBucket(), throughProxy());
    rig.proxy.setFault({ kind: 'blackhole' });
    const load = database.createWitness().startLoad({ clients: 2, url: () => server.url });
    await until('requests in flight', async () => (await requestsInFlight(server)) > 2);
    const stopping = server.kill(signal);
    await until('the stop has begun', () => server.output().includes('"stopping"'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await server.kill(signal);
    expect(await stopping).toBe(code);
    expect(server.output()).toContain('second signal: exit at once');
    await load.stop();
    rig.proxy.setFault(undefined);
  });

  it('stops while it starts, and starts again', async () => {
    const config = onBucket();
    const witness = database.createWitness();
    const first = await startOn(database, rig.workspace, config, rig.s3.env);
    const load = witness.startLoad({ clients: 4, url: () => first.url });
    await until('acknowledged writes', () => witness.acknowledged > 20);
    await first.kill('SIGKILL');
    await load.stop();

    const file = rig.workspace.file(`starting-${database.name}.yaml`, config);
    for (const delayMs of [30, 400]) {
      rig.proxy.resetCounts();
      rig.proxy.setFault({ kind: 'latency', delayMs });
      const starting = await spawnOurs(database.name, ['--config', file], { env: throughProxy() });
      rig.workspace.servers.push(starting);
      await until('requests to the store', () => rig.proxy.count() > 5);
      const stoppedMs = performance.now();
      expect(await starting.kill('SIGTERM'), starting.output()).toBe(0);
      expect(performance.now() - stoppedMs).toBeLessThan(stopBoundMs());
    }
    rig.proxy.setFault(undefined);
    const restarted = await startOn(database, rig.workspace, config, rig.s3.env);
    await witness.verify(restarted);
    expect(await restarted.kill('SIGTERM')).toBe(0);
  });
});

it('answers long polls and followers of the log when it stops', async () => {
  const log = databases.find(({ name }) => name === 'opendata-log')!;
  const server = await startOn(log, rig.workspace, onFolder());
  const polls = Array.from({ length: 50 }, (_, i) =>
    fetch(`${server.url}/api/v1/log/scan?key=nobody-${i % 3}&follow=true&timeout_ms=600000`),
  );
  await until('followers', async () => (await metric(server, 'log_followers')) === 50);
  expect(await server.kill('SIGTERM')).toBe(0);
  for (const response of await Promise.all(polls)) {
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ status: 'success', values: [], nextSequence: 0 });
  }
});

it('calls off queries that would take longer than the stop', async () => {
  const timeseries = databases.find(({ name }) => name === 'opendata-timeseries')!;
  const server = await startOn(timeseries, rig.workspace, onFolder());
  const nowSeconds = Math.floor(Date.now() / 1000);
  const lines = Array.from({ length: 1000 }, (_, series) =>
    Array.from({ length: 60 }, (_, i) => `x{series="${series}"} ${i} ${nowSeconds - 7200 + 120 * i}\n`).join(''),
  );
  const body = `# TYPE x gauge\n${lines.join('')}# EOF\n`;
  const imported = await fetch(`${server.url}/api/v1/import/openmetrics`, { method: 'POST', body });
  expect(imported.status, await imported.text()).toBe(200);
  const query = encodeURIComponent('sum(sum_over_time(sum_over_time(x[1h:1s])[1h:1s]))');
  const asked = Array.from({ length: 3 }, () => fetch(`${server.url}/api/v1/query?query=${query}`));
  await until('queries in flight', async () => (await requestsInFlight(server)) > 3);
  const stoppedMs = performance.now();
  expect(await server.kill('SIGTERM')).toBe(0);
  expect(performance.now() - stoppedMs).toBeLessThan(stopBoundMs());
  for (const response of await Promise.all(asked)) {
    const error = { status: 'error', errorType: 'unavailable', error: 'the server is stopping' };
    expect([response.status, await response.json()]).toEqual([503, error]);
  }
});

function requestsInFlight(server: ServerProcess): Promise<number> {
  return metric(server, 'http_requests_in_flight');
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
}
