import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Client, createClient } from './client.testing.ts';
import { type ServerProcess, startServer, temporaryFolder } from './server-process.testing.ts';

function folder(): string {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  return path;
}

async function startIn(path: string): Promise<{ server: ServerProcess; client: Client }> {
  return startWith(['--data-dir', path]);
}

async function startWith(args: string[]): Promise<{ server: ServerProcess; client: Client }> {
  const server = await startServer(args);
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  return { server, client: createClient(server.url, 'protobuf') };
}

async function readAll(client: Client, key: string): Promise<{ sequence: number; value: string }[]> {
  const all: { sequence: number; value: string }[] = [];
  for (let next = 0; ; ) {
    const page = await client.scan(`key=${key}&start_seq=${next}&limit=1000`);
    if (page.values.length === 0) return all;
    all.push(...page.values);
    next = page.nextSequence;
  }
}

const keyOf = (value: string) => value.split(':')[0];

/** Segments end so soon that a kill meets all stages of sealing. */
function smallSegments(path: string): string {
  return `
storage: { type: SlateDb, path: log, object_store: { type: Local, path: '${path}' } }
segmentation: { seal_byte_limit: 1MiB }
`;
}

describe('restart', () => {
  it('keeps everything over a stop, and goes on with the next sequence', async () => {
    const path = folder();
    const first = await startIn(path);
    for (let i = 0; i < 50; i++) await first.client.append([[`k${i % 3}`, `v${i}`]]);
    const before = await readAll(first.client, 'k1');
    expect(await first.server.stop()).toBe(0);
    const second = await startIn(path);
    expect(await readAll(second.client, 'k1')).toEqual(before);
    expect((await second.client.append([['k1', 'next']])).start).toBe(50);
    expect(await second.client.keys()).toEqual(['k0', 'k1', 'k2']);
  });

  it('loses and doubles nothing that was acknowledged as durable when it is killed under load', async () => {
    const path = folder();
    const config = join(path, 'log.yaml');
    writeFileSync(config, smallSegments(path));
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 5; round++) {
      const { server, client } = await startWith(['--config', config]);
      const sampled = [...acknowledged].filter((_, i) => i % 25 === 0);
      for (const [value, sequence] of sampled) {
        const found = (await client.scan(`key=${keyOf(value)}&start_seq=${sequence}&limit=1`)).values[0];
        expect(found).toEqual({ sequence, value });
      }
      let running = true;
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; running; i++) {
          const keys = [`key-${writer}`, `shared`];
          const batch = keys.map((key) => [key, `${key}:${round}-${writer}-${i}`.padEnd(1500, '.')] as const);
          try {
            const { start } = await client.append(batch, true);
            for (const [at, [, value]] of batch.entries()) acknowledged.set(value, start + at);
          } catch {
            return;
          }
        }
      });
      const enough = acknowledged.size + 300 + round * 20;
      while (acknowledged.size < enough) await new Promise((resolve) => setTimeout(resolve, 10));
      await server.stop('SIGKILL');
      running = false;
      await Promise.all(writers);
    }
    const { client } = await startWith(['--config', config]);
    expect((await client.segments()).length).toBeGreaterThan(1);
    const seen = new Map<string, number>();
    const sequences = new Set<number>();
    for (const key of await client.keys('limit=100')) {
      const records = await readAll(client, key);
      for (const { sequence, value } of records) {
        expect(seen.has(value)).toBe(false);
        seen.set(value, sequence);
        sequences.add(sequence);
      }
      expect(records.map(({ sequence }) => sequence)).toEqual(
        records.map(({ sequence }) => sequence).sort((a, b) => a - b),
      );
      expect(await client.count(`key=${key}`)).toBe(records.length);
    }
    for (const [value, sequence] of acknowledged) expect(seen.get(value)).toBe(sequence);
    expect(acknowledged.size).toBeGreaterThan(100);
    expect(sequences.size).toBe(seen.size);
    expect(Math.max(...sequences)).toBe(sequences.size - 1);
  });

  it('gives way to another writer of the same folder, with its own exit code', async () => {
    const path = folder();
    const first = await startIn(path);
    await first.client.append([['k', 'v']], true);
    const second = await startIn(path);
    await expect(
      (async () => {
        for (;;) await first.client.append([['k', 'lost']], true);
      })(),
    ).rejects.toThrow(/503|fetch failed/);
    expect(await first.server.ended).toBe(3);
    expect((await readAll(second.client, 'k')).map(({ value }) => value)).toEqual(['v']);
  });
});
