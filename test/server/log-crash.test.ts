import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';

/** `CRASH_KILLS=50 npx vitest run test/server/log-crash.test.ts` is the long form. */
const kills = Number(process.env['CRASH_KILLS'] ?? 4);
const keyCount = 40;
const writerCount = 8;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-log-crash-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Witness {
  /** Values of acknowledged records, by key, in the order of their acknowledged sequences. */
  readonly acknowledged: Map<string, { readonly value: string; readonly sequence: number }[]>;
  /** Every value ever sent. */
  readonly sent: Set<string>;
}

it(
  `loses, doubles and reorders no record acknowledged as durable over ${kills} x kill -9`,
  async () => {
    const random = seededRandom(20261122);
    const witness: Witness = { acknowledged: new Map(), sent: new Set() };
    for (let round = 0; round < kills; round++) {
      const server = await startOurs('opendata-log', ['--data-dir', folder]);
      await verify(server, witness);
      const running = { on: true };
      const writers = Array.from({ length: writerCount }, (_, writer) =>
        appendUntilStopped(server, witness, running, `r${round}w${writer}`, random),
      );
      await new Promise((resolve) => setTimeout(resolve, 300 + random() * 900));
      await server.kill('SIGKILL');
      running.on = false;
      await Promise.all(writers);
    }
    const server = await startOurs('opendata-log', ['--data-dir', folder]);
    const total = await verify(server, witness);
    expect(total).toBeGreaterThan(kills * 10);
    expect(await server.kill('SIGTERM')).toBe(0);
  },
  60_000 + kills * 15_000,
);

async function appendUntilStopped(
  server: ServerProcess,
  witness: Witness,
  running: { on: boolean },
  name: string,
  random: () => number,
): Promise<void> {
  for (let batch = 0; running.on; batch++) {
    const records = Array.from({ length: 1 + Math.floor(random() * 20) }, (_, i) => ({
      key: `key-${Math.floor(random() * keyCount)}`,
      value: `${name}-${batch}-${i}`,
    }));
    for (const record of records) witness.sent.add(record.value);
    try {
      const response = await fetch(`${server.url}/api/v1/log/append`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          records: records.map((record) => ({ key: base64(record.key), value: base64(record.value) })),
          awaitDurable: true,
        }),
      });
      const body = (await response.json()) as { startSequence: number };
      if (response.status !== 200) continue;
      for (const [i, record] of records.entries()) {
        const ofKey = witness.acknowledged.get(record.key) ?? [];
        ofKey.push({ value: record.value, sequence: body.startSequence + i });
        witness.acknowledged.set(record.key, ofKey);
      }
    } catch {
      // the server was killed: what became of this request is unknown
    }
  }
}

/** Compares what the server has with the witness; returns the number of records that it holds. */
async function verify(server: ServerProcess, witness: Witness): Promise<number> {
  let total = 0;
  const sequences = new Set<number>();
  for (const [key, acknowledged] of witness.acknowledged) {
    const stored = await scanAll(server, key);
    total += stored.length;
    const byValue = new Map(stored.map((record) => [record.value, record.sequence]));
    expect(byValue.size, `doubled records of ${key}`).toBe(stored.length);
    for (const record of acknowledged) {
      expect(byValue.get(record.value), `sequence of ${record.value} of ${key}`).toBe(record.sequence);
    }
    for (const [i, record] of stored.entries()) {
      expect(witness.sent.has(record.value)).toBe(true);
      expect(sequences.has(record.sequence), `sequence ${record.sequence} twice`).toBe(false);
      sequences.add(record.sequence);
      if (i > 0) expect(record.sequence).toBeGreaterThan(stored[i - 1]!.sequence);
    }
  }
  return total;
}

async function scanAll(server: ServerProcess, key: string): Promise<{ value: string; sequence: number }[]> {
  const records: { value: string; sequence: number }[] = [];
  let start = 0;
  for (;;) {
    const response = await fetch(
      `${server.url}/api/v1/log/scan?key=${encodeURIComponent(key)}&start_seq=${start}&limit=10000`,
    );
    expect(response.status).toBe(200);
    const page = (await response.json()) as { values: { sequence: number; value: string }[]; nextSequence: number };
    if (page.values.length === 0) return records;
    for (const { sequence, value } of page.values) {
      records.push({ sequence, value: Buffer.from(value, 'base64').toString() });
    }
    start = page.nextSequence;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
