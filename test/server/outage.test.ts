import type { Fault } from '@opendata/storage/testing';
import { describe, expect, it, vi } from 'vitest';
import { useBucketRig } from '../support/bucket-rig.ts';
import { databases, startOn, storageSection } from '../support/databases.ts';
import { type Load, sleep, until } from '../support/load.ts';
import type { ServerProcess } from '../support/server-process.ts';

/** How long a write waits for its commit; what is documented as `commit_timeout_ms`. */
const commitTimeoutMs = 3000;
/** A write must be answered within its bound, on a machine that may be busy with other things. */
const answerBoundMs = commitTimeoutMs + 20_000;

vi.setConfig({ testTimeout: 240_000 });

const rig = useBucketRig();

const outages: [name: string, fault: Fault][] = [
  ['does not answer', { kind: 'blackhole' }],
  ['resets connections', { kind: 'reset' }],
  ['answers 503', { kind: 'status', status: 503 }],
  ['does what it is asked and loses the answers', { kind: 'lostAnswer' }],
];

describe.each(databases)('$name on a bucket', (database) => {
  it('gets through outages: refuses in time, goes on reading, heals, and has lost nothing', async () => {
    const config = `${storageSection(
      `{type: Aws, bucket: ${rig.s3.bucket}}`,
      `  commit_timeout_ms: ${commitTimeoutMs}\n`,
    ).replace('path: db', `path: ${database.name}`)}`;
    const server = await startOn(database, rig.workspace, config, {
      ...rig.s3.env,
      AWS_ENDPOINT_URL: rig.proxy.endpoint,
    });
    const witness = database.createWitness();
    const load = witness.startLoad({ clients: 6, url: () => server.url });
    await until('acknowledged writes', () => witness.acknowledged > 10);

    for (const [name, fault] of outages) {
      load.reset();
      rig.proxy.setFault(fault);
      await until(`a store that ${name} refuses writes`, () => load.count(503) > 0 || load.count(429) > 0);
      await until(`a store that ${name} makes it not ready`, async () => (await ready(server)).status === 503);
      expect((await ready(server)).text).toMatch(/^Not Ready: .*(commit waits|object store|did not answer)/);
      expect((await fetch(`${server.url}/-/healthy`)).status).toBe(200);
      await witness.verify(server);
      expectBoundedAnswers(load);

      const acknowledged = witness.acknowledged;
      rig.proxy.setFault(undefined);
      await until(`writes after a store that ${name}`, () => witness.acknowledged > acknowledged + 10);
      await until(`ready after a store that ${name}`, async () => (await ready(server)).status === 200);
      expectBoundedAnswers(load);
    }

    load.reset();
    rig.proxy.setFault({ kind: 'latency', delayMs: 300 });
    await until('writes with a slow store', () => load.count(200) + load.count(204) > 10);
    expect((await ready(server)).status).toBe(200);
    rig.proxy.setFault({ kind: 'blackhole' });
    await sleep(200);
    await server.kill('SIGKILL');
    await load.stop();
    rig.proxy.setFault(undefined);

    const restarted = await startOn(database, rig.workspace, config, rig.s3.env);
    await witness.verify(restarted);
    expect(await restarted.kill('SIGTERM')).toBe(0);
  });
});

async function ready(server: ServerProcess): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}/-/ready`, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

function expectBoundedAnswers(load: Load): void {
  for (const { status, elapsedMs, retryAfter, failure, text } of load.answers) {
    expect(failure).toBeUndefined();
    expect([200, 204, 429, 503], text).toContain(status);
    expect(elapsedMs).toBeLessThan(answerBoundMs);
    if (status >= 400) expect(Number(retryAfter)).toBeGreaterThan(0);
  }
}
