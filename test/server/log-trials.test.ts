import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '@opendata/storage/testing';
import { connectLog } from 'opendata-log/client';
import { expect, it } from 'vitest';
import { useBucketRig } from '../support/bucket-rig.ts';
import { databases, startOn, storageSection } from '../support/databases.ts';
import { sleep, until } from '../support/load.ts';
import { type ChainLoad, startChainLoad } from '../support/log-chain-load.ts';
import { LogChainWitness, type Outcome } from '../support/log-chain-witness.ts';
import { seededRandom } from '../support/random.ts';
import { type ServerProcess, spawnOurs } from '../support/server-process.ts';

/**
 * `LOG_TRIALS=1000 npx vitest run test/server/log-trials.test.ts` is the long form; `LOG_TRIALS_SEED` varies it.
 * `LOG_TRIALS_STORE=folder` tries a folder instead of a bucket, with batches that are large enough for files of their own.
 */
const trials = Number(process.env['LOG_TRIALS'] ?? 8);
const seed = Number(process.env['LOG_TRIALS_SEED'] ?? 1);
const isFolder = process.env['LOG_TRIALS_STORE'] === 'folder';
/** So many trials work on one log, which is killed, fenced and started over and over, before the next one begins. */
const trialsOfLog = 16;
const retentionMs = 4000;

const rig = useBucketRig();
const random = seededRandom(seed);
const between = (low: number, high: number) => low + random() * (high - low);
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

const storeFaults: readonly Fault[] = [
  { kind: 'latency', delayMs: 200 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'reset' },
  { kind: 'lostAnswer' },
  { kind: 'halfRequest' },
  { kind: 'halfAnswer' },
];

/** What a server counts from its start; added up over all of them. */
const counters = ['log_merged_segments_total', 'log_expired_segments_total', 'storage_swept_rows_total'];

const outcomes: readonly Outcome[] = ['durable', 'visible', 'refused', 'unknown'];

function environment(): Readonly<Record<string, string>> {
  return { ...rig.s3.env, AWS_ENDPOINT_URL: rig.proxy.endpoint };
}

/** One log under load, and whichever server has it. */
class TrialLog {
  private readonly config: string;
  readonly retentionMs: number;
  readonly witness: LogChainWitness;
  readonly totals = new Map<string, number>();
  /** The last words of servers that ended by themselves. */
  readonly ends: string[] = [];
  private server!: ServerProcess;
  private incarnation = 0;
  private load!: ChainLoad;

  constructor(number: number) {
    this.retentionMs = number % 2 === 1 ? retentionMs : Number.POSITIVE_INFINITY;
    const retention = number % 2 === 1 ? `retention: {retention: ${retentionMs / 1000}s, check_interval: 1s}\n` : '';
    const storage = isFolder
      ? storageSection(`{type: Local, path: ${rig.workspace.folder}}`)
      : storageSection(`{type: Aws, bucket: ${rig.s3.bucket}}`, '  commit_interval_ms: 20\n');
    // Many segments are sealed on the way. Without a retention they are small enough to be merged.
    const sealBytes = this.retentionMs === retentionMs ? '1MiB' : '32MiB';
    const segmentation = `segmentation: {seal_byte_limit: ${sealBytes}, seal_interval: 1s}\n`;
    this.config = `${storage.replace('path: db', `path: log-${seed}-${number}`)}${segmentation}${retention}`;
    this.witness = new LogChainWitness(seed + number, isFolder ? 30_000 : undefined);
  }

  async start(): Promise<void> {
    this.server = await this.startServer();
    this.incarnation++;
  }

  startLoad(): void {
    const { witness } = this;
    const server = () => ({ url: this.server.url, incarnation: this.incarnation });
    this.load = startChainLoad({ witness, seed: Math.floor(random() * 1e9), server });
  }

  stopLoad(): Promise<void> {
    return this.load.stop();
  }

  private startServer(): Promise<ServerProcess> {
    return startOn(databases[1]!, rig.workspace, this.config, environment());
  }

  /** A server that is started does not get far. */
  async killAtStart(): Promise<void> {
    const file = rig.workspace.file('start.yaml', this.config);
    const server = await spawnOurs('opendata-log', ['--config', file], { env: environment() });
    await sleep(between(300, 1000));
    await server.kill('SIGKILL');
  }

  /** The server that was killed, started again; with the store as it is now it may take a second time. */
  async restart(): Promise<void> {
    await this.start().catch(async () => {
      rig.proxy.setFault(undefined);
      await this.start();
    });
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    await this.addCounters();
    return await this.server.kill(signal);
  }

  async isFencedByAnother(): Promise<void> {
    await this.addCounters();
    const first = this.server;
    await this.start();
    expect(await first.exited).toBe(3);
  }

  /** Something is acknowledged from now on; a server that has given up is started again, as Kubernetes does. */
  async works(): Promise<void> {
    const before = this.witness.count('durable');
    await until('durable acknowledgements', async () => {
      if (this.server.ended) {
        expect(await this.server.exited).toBe(1);
        this.ends.push(this.output());
        await this.start();
      }
      return this.witness.count('durable') > before + 10;
    });
  }

  async verify(): Promise<void> {
    await using log = connectLog(this.server.url);
    await this.witness.verify(log, this);
  }

  /** The last that the server has printed. */
  output(): string {
    return this.server.output().slice(-3000);
  }

  /** Before the server ends, which takes its counters along. */
  private async addCounters(): Promise<void> {
    if (this.server.ended) return;
    const metrics = await (await fetch(`${this.server.url}/metrics`)).text();
    for (const name of counters) {
      const count = Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0);
      this.totals.set(name, (this.totals.get(name) ?? 0) + count);
    }
  }
}

const faults: Readonly<Record<string, (log: TrialLog) => Promise<void>>> = {
  async killed(log) {
    await log.kill();
    await log.restart();
  },
  async 'killed while it starts'(log) {
    await log.kill();
    await log.killAtStart();
    await log.restart();
  },
  async stopped(log) {
    expect(await log.kill('SIGTERM')).toBe(0);
    await log.restart();
  },
  async fenced(log) {
    await log.isFencedByAnother();
  },
  async 'store fails'(log) {
    failStore();
    await sleep(between(300, 900));
    rig.proxy.setFault(undefined);
    await log.works();
  },
  async 'store fails, killed'(log) {
    failStore();
    await sleep(between(100, 600));
    await log.kill();
    rig.proxy.setFault(undefined);
    await log.restart();
  },
  async 'killed, store fails at the start'(log) {
    await log.kill();
    failStore(0.15);
    await log.restart();
    rig.proxy.setFault(undefined);
  },
};

/** `LOG_TRIALS_KEEP=folder`: what a failure leaves (objects, configuration, the server's output) goes to that folder. */
async function keep(log: TrialLog, name: string): Promise<void> {
  const folder = process.env['LOG_TRIALS_KEEP'];
  if (folder === undefined) return;
  await log.kill().catch(() => undefined);
  cpSync(rig.s3.folder, join(folder, name, 'bucket'), { recursive: true });
  cpSync(rig.workspace.folder, join(folder, name, 'workspace'), { recursive: true });
  rig.workspace.servers.forEach((server, i) => {
    writeFileSync(join(folder, name, `server-${i}.log`), server.output());
  });
}

/** Each request fails with some probability, in one way or in all of them. */
function failStore(probability = between(0.1, 0.9)): void {
  const choice = random() < 0.6 ? [oneOf(storeFaults)] : storeFaults;
  rig.proxy.setFault(() => (random() < probability ? oneOf(choice) : undefined));
}

it(
  `loses, doubles and reorders nothing acknowledged over ${trials} faults`,
  async () => {
    const counts: Record<string, number> = {};
    const count = (what: string, by: number) => {
      counts[what] = (counts[what] ?? 0) + by;
    };
    for (let number = 0, done = 0; done < trials; number++) {
      const log = new TrialLog(number);
      await log.start();
      for (let i = 0; i < trialsOfLog && done < trials; i++, done++) {
        const name = oneOf(Object.keys(faults).filter((each) => !isFolder || !each.includes('store fails')));
        log.startLoad();
        await sleep(between(100, 800));
        try {
          await faults[name]!(log);
          if (random() < 0.5) await log.works();
          await log.stopLoad();
          await log.verify();
        } catch (cause) {
          await keep(log, `seed-${seed}-log-${number}-trial-${i}`);
          throw new Error(
            `seed ${seed}, log ${number}, trial ${i}: ${name}: ${(cause as Error).message}\n${log.output()}`,
            { cause },
          );
        }
        count(name, 1);
      }
      for (const outcome of outcomes) count(outcome, log.witness.count(outcome));
      expect(log.witness.count('pending')).toBe(0);
      expect(await log.kill('SIGTERM')).toBe(0);
      for (const [name, total] of log.totals) count(name, total);
      count('servers that gave up', log.ends.length);
      // biome-ignore lint/suspicious/noConsole: why they did
      for (const end of log.ends) console.warn(end);
    }
    // biome-ignore lint/suspicious/noConsole: what a long run has seen
    console.info(`log trials, seed ${seed}: ${JSON.stringify(counts)}`);
    expect(counts['durable']).toBeGreaterThan(trials * 10);
  },
  120_000 + trials * 60_000,
);
