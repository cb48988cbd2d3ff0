import { expect } from 'vitest';
import { ask, type Load, type LoadAnswer, post, startLoad } from './load.ts';
import { seededRandom } from './random.ts';
import type { ServerProcess } from './server-process.ts';
import type { LoadOptions, Witness } from './witness.ts';

const keyCount = 40;

/** Appends batches of 1 to 20 records to 40 keys. */
export class LogWitness implements Witness {
  /** By key, in the order of their acknowledged sequences. */
  readonly #acknowledged = new Map<string, { readonly value: string; readonly sequence: number }[]>();
  /** Every value ever sent. */
  readonly #sent = new Set<string>();
  readonly #random: () => number;
  #batches = 0;
  #loads = 0;

  constructor(seed = 20261122) {
    this.#random = seededRandom(seed);
  }

  get acknowledged(): number {
    return this.#batches;
  }

  startLoad({ clients, url, durable = true }: LoadOptions): Load {
    const load = ++this.#loads;
    const sent = new Array<number>(clients).fill(0);
    return startLoad(clients, (client) => this.#append(url(), `l${load}c${client}b${sent[client]!++}`, durable));
  }

  async verify(server: Pick<ServerProcess, 'url'>): Promise<void> {
    const sequences = new Set<number>();
    for (const [key, soFar] of this.#acknowledged) {
      // What is acknowledged from here on need not be in the answer.
      const acknowledged = [...soFar];
      const stored = await scanAll(server.url, key);
      const byValue = new Map(stored.map((record) => [record.value, record.sequence]));
      expect(byValue.size, `doubled records of ${key}`).toBe(stored.length);
      for (const record of acknowledged) {
        if (byValue.get(record.value) !== record.sequence) {
          expect.fail(`acknowledged ${record.value} of ${key} at ${record.sequence}: ${byValue.get(record.value)}`);
        }
      }
      for (const [i, record] of stored.entries()) {
        if (!this.#sent.has(record.value)) expect.fail(`${record.value} of ${key} was never sent`);
        if (sequences.has(record.sequence)) expect.fail(`sequence ${record.sequence} twice`);
        sequences.add(record.sequence);
        if (i > 0 && record.sequence <= stored[i - 1]!.sequence) expect.fail(`${key} is out of order`);
      }
    }
  }

  async #append(url: string, name: string, awaitDurable: boolean): Promise<LoadAnswer> {
    const records = Array.from({ length: 1 + Math.floor(this.#random() * 20) }, (_, i) => ({
      key: `key-${Math.floor(this.#random() * keyCount)}`,
      value: `${name}-${i}`,
    }));
    for (const record of records) this.#sent.add(record.value);
    const answer = await post(
      `${url}/api/v1/log/append`,
      { 'content-type': 'application/json' },
      JSON.stringify({
        records: records.map(({ key, value }) => ({ key: base64(key), value: base64(value) })),
        awaitDurable,
      }),
    );
    if (answer.status !== 200) return answer;
    const { startSequence } = JSON.parse(answer.text) as { startSequence: number };
    for (const [i, { key, value }] of records.entries()) {
      const ofKey = this.#acknowledged.get(key) ?? [];
      ofKey.push({ value, sequence: startSequence + i });
      this.#acknowledged.set(key, ofKey);
    }
    this.#batches++;
    return answer;
  }
}

async function scanAll(url: string, key: string): Promise<{ value: string; sequence: number }[]> {
  const records: { value: string; sequence: number }[] = [];
  let start = 0;
  for (;;) {
    const response = await ask(`${url}/api/v1/log/scan?key=${encodeURIComponent(key)}&start_seq=${start}&limit=10000`);
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
