import { createHash } from 'node:crypto';
import type { LogClient } from 'opendata-log/client';
import { expect } from 'vitest';
import { seededRandom } from './random.ts';

/**
 * What became of an append. `visible`: acknowledged without durability, which a crash may undo together with everything
 * behind it. `refused`: the answer says that nothing was written. `unknown`: anything else.
 */
export type Outcome = 'pending' | 'durable' | 'visible' | 'refused' | 'unknown';

export interface ChainRecord {
  readonly key: string;
  readonly value: string;
}

/** Records that one append is to write, all of them or none. */
export interface ChainAppend {
  readonly records: readonly ChainRecord[];
  readonly sentMs: number;
  outcome: Outcome;
  /** Of an acknowledged append. */
  startSequence: number;
  /** Which run of a server it was sent to. */
  readonly incarnation: number;
}

interface ChainLink {
  readonly hash: string;
  readonly append: ChainAppend;
  readonly index: number;
}

interface StoredRecord {
  readonly sequence: number;
  readonly key: string;
  readonly value: string;
}

/** What a log promises of records that its retention may take away. */
export interface Expiry {
  /** ms; infinite without a retention. */
  readonly retentionMs: number;
}

const usualPadding = 3000;

/**
 * Makes records of which each carries the hash of the one sent before to its key, and compares a log with what it
 * acknowledged. A key has one writer.
 */
export class LogChainWitness {
  private readonly chains = new Map<string, ChainLink[]>();
  private readonly appends: ChainAppend[] = [];
  private readonly random: () => number;
  private readonly longestPadding: number;

  /** @param longestPadding bytes that values have beside their number and hash, at most */
  constructor(seed: number, longestPadding = usualPadding) {
    this.random = seededRandom(seed);
    this.longestPadding = longestPadding;
  }

  /** How many appends ended so. */
  count(outcome: Outcome): number {
    return this.appends.reduce((sum, append) => sum + (append.outcome === outcome ? 1 : 0), 0);
  }

  /** The next append over `keys`, which may name a key more than once. */
  next(keys: readonly string[], incarnation: number): ChainAppend {
    const records: ChainRecord[] = [];
    const append: ChainAppend = { records, sentMs: Date.now(), outcome: 'pending', startSequence: -1, incarnation };
    for (const key of keys) {
      const chain = this.chains.get(key) ?? [];
      this.chains.set(key, chain);
      const padding = 'x'.repeat(Math.floor(this.random() ** 3 * this.longestPadding));
      const value = `${chain.length} ${chain.at(-1)?.hash ?? 'first'} ${padding}`;
      chain.push({ hash: hashOf(key, value), append, index: records.length });
      records.push({ key, value });
    }
    this.appends.push(append);
    return append;
  }

  /** @throws an assertion error that names the record */
  async verify(log: LogClient, { retentionMs }: Expiry): Promise<void> {
    const stored: StoredRecord[] = [];
    for await (const { sequence, key, value } of log.read({})) {
      stored.push({ sequence, key: Buffer.from(key).toString(), value: Buffer.from(value).toString() });
    }
    const [oldest] = await log.segments();
    const readMs = Date.now();
    const first = retentionMs === Number.POSITIVE_INFINITY ? 0 : (oldest?.startSequence ?? Number.MAX_SAFE_INTEGER);
    const found = this.findLinks(stored, first);
    const lastOf = new Map<number, number>();
    for (const [{ append }, sequence] of found) lastOf.set(append.incarnation, sequence);
    for (const append of this.appends) {
      const { outcome, startSequence, records, sentMs } = append;
      const sequences = records.map((record) => found.get(this.linkOf(record)));
      const at = sequences[0];
      const name = `${outcome} append of ${records[0]!.key} ${numberOf(records[0]!)} (${records.length} records)`;
      const hasExpired = startSequence < first && sentMs + retentionMs <= readMs;
      if (at === undefined) {
        if (sequences.some((sequence) => sequence !== undefined)) expect.fail(`half of the ${name} is there`);
        if (outcome === 'durable' && !hasExpired) expect.fail(`${name} at ${startSequence} is lost`);
        if (outcome === 'visible' && !hasExpired && startSequence < (lastOf.get(append.incarnation) ?? -1)) {
          expect.fail(`${name} at ${startSequence} is lost, later ones of the same server are there`);
        }
      } else {
        // Everything is read page by page: behind a page the rest may have expired.
        const read = hasExpired
          ? sequences.slice(0, sequences.findLastIndex((sequence) => sequence !== undefined) + 1)
          : sequences;
        if (read.some((sequence, i) => sequence !== at + i)) expect.fail(`${name}: ${sequences}`);
        if (outcome === 'refused') expect.fail(`${name} is there, at ${at}`);
        const isAcknowledged = outcome === 'durable' || outcome === 'visible';
        if (isAcknowledged && at !== startSequence) expect.fail(`${name} at ${startSequence} is at ${at}`);
      }
    }
    await this.verifyByKey(log, stored, retentionMs === Number.POSITIVE_INFINITY);
  }

  /** Reads of one key say the same as the read of everything. */
  private async verifyByKey(log: LogClient, stored: readonly StoredRecord[], isKept: boolean): Promise<void> {
    const keys = [...this.chains.keys()];
    for (let i = 0; i < 3; i++) {
      const key = keys[Math.floor(this.random() * keys.length)]!;
      const expected = stored.flatMap((record) => (record.key === key ? [record.sequence] : []));
      const sequences: number[] = [];
      for await (const { sequence } of log.read(key)) sequences.push(sequence);
      if (isKept) {
        expect(sequences, key).toEqual(expected);
        expect(await log.count(key)).toBe(expected.length);
        continue;
      }
      // More may have expired since everything was read, and nothing but that may be missing.
      const [oldest] = await log.segments();
      const expiredTo = oldest?.startSequence ?? Number.MAX_SAFE_INTEGER;
      expect(expected.slice(expected.length - sequences.length), key).toEqual(sequences);
      expect(
        sequences.filter((sequence) => sequence >= expiredTo),
        key,
      ).toEqual(expected.filter((sequence) => sequence >= expiredTo));
    }
  }

  private findLinks(stored: readonly StoredRecord[], first: number): Map<ChainLink, number> {
    const found = new Map<ChainLink, number>();
    const lastOfKey = new Map<string, { readonly number: number; readonly hash: string }>();
    let next = first === 0 ? 0 : (stored[0]?.sequence ?? 0);
    for (const { sequence, key, value } of stored) {
      if (sequence !== next && sequence > first) expect.fail(`sequence ${sequence} where ${next} is due`);
      next = sequence + 1;
      const number = numberOf({ value });
      const hash = hashOf(key, value);
      const link = this.chains.get(key)?.[number];
      if (link?.hash !== hash) expect.fail(`${sequence}: ${key} ${value.slice(0, 40)} was never sent`);
      const before = lastOfKey.get(key);
      if (before !== undefined && number <= before.number) {
        expect.fail(`${sequence}: ${key} ${number} comes after ${before.number}`);
      }
      if (before !== undefined && number === before.number + 1 && value.split(' ')[1] !== before.hash) {
        expect.fail(`${sequence}: ${key} ${number} does not have the hash of the one before`);
      }
      lastOfKey.set(key, { number, hash });
      found.set(link, sequence);
    }
    return found;
  }

  private linkOf(record: ChainRecord): ChainLink {
    return this.chains.get(record.key)![numberOf(record)]!;
  }
}

function numberOf({ value }: Pick<ChainRecord, 'value'>): number {
  return Number.parseInt(value, 10);
}

function hashOf(key: string, value: string): string {
  return createHash('sha256').update(key).update('\0').update(value).digest('hex').slice(0, 24);
}
