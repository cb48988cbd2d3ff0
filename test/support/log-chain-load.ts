import { connectLog, isLogClientError } from 'opendata-log/client';
import { sleep } from './load.ts';
import type { ChainAppend, LogChainWitness } from './log-chain-witness.ts';
import { openSession } from './log-session.ts';
import { seededRandom } from './random.ts';

export interface ChainLoadOptions {
  readonly witness: LogChainWitness;
  readonly seed: number;
  /** Asked for every request, or for every session. */
  readonly server: () => RunningLog;
}

export interface RunningLog {
  readonly url: string;
  /** Another one for every start of a server. */
  readonly incarnation: number;
}

export interface ChainLoad {
  /** Resolves once the outcome of everything is settled. */
  stop(): Promise<void>;
}

const keysOfWriter = 8;
const pauseMs = 50;
const durableShare = 0.8;
const sessionInFlight = 32;

/** Everything that a writer needs. */
interface Writer extends ChainLoadOptions {
  readonly running: () => boolean;
  readonly random: () => number;
  /** One of its own keys. */
  readonly key: () => string;
}

/** Writers of every kind, each over keys of its own: records alone, batches, append sessions, the client's producer. */
export function startChainLoad(options: ChainLoadOptions): ChainLoad {
  let running = true;
  const kinds = [single, single, single, batches, batches, session, session, produced];
  const writers = kinds.map((kind, index) => {
    const random = seededRandom(options.seed + index);
    const key = () => `w${index}-${Math.floor(random() * keysOfWriter)}`;
    return kind({ ...options, running: () => running, random, key });
  });
  return {
    stop: async () => {
      running = false;
      await Promise.all(writers);
    },
  };
}

async function single(writer: Writer): Promise<void> {
  await requests(writer, () => [writer.key()]);
}

async function batches(writer: Writer): Promise<void> {
  await requests(writer, () => Array.from({ length: 2 + Math.floor(writer.random() * 12) }, writer.key));
}

async function requests({ witness, server, running, random }: Writer, keys: () => string[]): Promise<void> {
  while (running()) {
    const { url, incarnation } = server();
    const append = witness.next(keys(), incarnation);
    const awaitDurable = random() < durableShare;
    await using log = connectLog(url, { retryTimeoutMs: 0 });
    try {
      const { startSequence } = await log.append(append.records, { awaitDurable });
      settle(append, awaitDurable, startSequence);
    } catch (error) {
      append.outcome = isLogClientError(error) && !error.mayBeWritten ? 'refused' : 'unknown';
      await sleep(pauseMs);
    }
  }
}

async function session({ witness, server, running, random, key }: Writer): Promise<void> {
  while (running()) {
    const { url, incarnation } = server();
    const waiting: { readonly append: ChainAppend; readonly durable: boolean }[] = [];
    let isOver = false;
    const open = openSession(url, ({ frames, status, startSequence, closed }) => {
      let next = startSequence;
      for (const { append, durable } of waiting.splice(0, frames)) {
        if (status === 0) settle(append, durable, next);
        else append.outcome = status < 500 ? 'refused' : 'unknown';
        next += append.records.length;
      }
      if (!closed) return;
      for (const { append } of waiting.splice(0)) append.outcome = 'refused';
      isOver = true;
    });
    void open.over.then(() => {
      isOver = true;
    });
    await open.opened;
    while (running() && !isOver) {
      if (waiting.length < sessionInFlight) {
        const durable = random() < durableShare;
        const append = witness.next(random() < 0.7 ? [key()] : [key(), key(), key()], incarnation);
        waiting.push({ append, durable });
        open.send(append.records, durable);
      }
      await sleep(random() < 0.5 ? 1 : 5);
    }
    open.end();
    await open.over;
    for (const { append } of waiting) append.outcome = 'unknown';
    if (running()) await sleep(pauseMs);
  }
}

async function produced({ witness, server, running, key, random }: Writer): Promise<void> {
  while (running()) {
    const { url, incarnation } = server();
    await using log = connectLog(url);
    const producer = log.producer({
      maxInFlight: 3,
      maxBatchRecords: 8,
      maxPendingBytes: 32_768,
      lingerMs: 1,
      retryTimeoutMs: 500,
    });
    const settled: Promise<void>[] = [];
    let hasFailed = false;
    while (running() && !hasFailed) {
      const append = witness.next([key()], incarnation);
      try {
        const { acknowledged } = await producer.append(append.records[0]!);
        settled.push(
          acknowledged.then(
            (sequence) => settle(append, true, sequence),
            () => {
              append.outcome = 'unknown';
              hasFailed = true;
            },
          ),
        );
      } catch {
        append.outcome = 'refused';
        hasFailed = true;
      }
      await sleep(random() < 0.5 ? 0 : 5);
    }
    await producer.close().catch(() => undefined);
    await Promise.all(settled);
    if (running()) await sleep(pauseMs);
  }
}

function settle(append: ChainAppend, durable: boolean, startSequence: number): void {
  append.startSequence = startSequence;
  append.outcome = durable ? 'durable' : 'visible';
}
