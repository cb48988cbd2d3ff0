import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  createHttpServer,
  createLogger,
  createRegistry,
  type HttpServer,
  type HttpServerOptions,
  type Logger,
} from '@opendata/server';
import { optimiseAsBefore, optimiseForNow, optimiseRepeated } from '../compile-budget.ts';
import { Turns } from '../head/turns.ts';
import { createYielder } from '../head/yielder.ts';
import { growHeapSparingly } from '../heap-limits.ts';
import type { TimeSeriesReads } from '../read/time-series-reads.ts';
import { WarmUpClient } from './warm-up-client.ts';
import { WarmUpData } from './warm-up-data.ts';
import { smallRequests, warmUpRequests } from './warm-up-requests.ts';

/** The routes that are warmed up, on a database. */
export type WarmUpRoutes = (database: () => TimeSeriesReads) => Pick<HttpServerOptions, 'rawRoutes' | 'quickRoutes'>;

export interface WarmUpOptions {
  readonly routes: WarmUpRoutes;
  readonly logger: Logger;
  /** A server that was just started has other things to do, and one that soon ends needs none of this. In ms. */
  readonly delayMs?: number;
  /** How often the requests are answered: half of them over a block, half over memory. */
  readonly rounds?: number;
}

/** Those of queries meanwhile are as short as can be: code that was never seen to wait is compiled without. */
export const shortTurns = new Turns(undefined, 0, 500);

const DELAY_MS = 3000;
const ROUNDS = 16;
/** How often the small requests are answered with each round, in the end. */
const SMALL_ROUNDS = 5;
/** Code that has met objects of more classes than four is compiled for all, and not thrown away at the first one of the server. */
const DATABASES = 5;
/** Work goes on for so long at a time, and then nothing is done for a moment but look whether the server is idle. */
const TURN_MS = 25;
const LOOK_MS = 5;
/** Share of that time above which the server is busy, and how long it is then left alone. */
const BUSY = 0.3;
const PAUSE_MS = 250;

/**
 * Answers requests that nobody has asked, over made-up data and once the server is idle, so that V8 has compiled what
 * queries run before the first of them comes: code that ran a few times takes three times as long as compiled code.
 * Nothing of it is kept, counted or written.
 * @returns what ends it
 */
export function warmUpWhenIdle({ routes, logger, delayMs = DELAY_MS, rounds = ROUNDS }: WarmUpOptions): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  run(routes, logger, signal, delayMs, rounds).catch((error: unknown) => {
    if (!signal.aborted) logger.warn({ err: error }, 'queries could not be warmed up');
  });
  return () => stopping.abort();
}

async function run(
  routes: WarmUpRoutes,
  logger: Logger,
  signal: AbortSignal,
  delayMs: number,
  rounds: number,
): Promise<void> {
  await sleep(delayMs, undefined, { ref: false, signal });
  const idle = createIdleTurns(signal);
  await idle();
  const startedMs = performance.now();
  let requests = 0;
  await answerAll(routes, rounds, async () => {
    requests++;
    await idle();
  });
  logger.debug({ requests, elapsedMs: Math.round(performance.now() - startedMs) }, 'queries warmed up');
}

/**
 * Answers the requests so many times, on a port of this machine: through a connection that is none, V8 would compile
 * other parts of Node's streams than those that requests take. Two servers take turns: what V8 compiles for the closures of
 * only one it throws away when the first query comes to those of another, and each round has a connection of its own. What all requests have in common is run with none
 * of them for long, and so V8 compiles it last: small requests in the end are little else, and cost little.
 * @throws Error where one is not answered as it should be
 */
export async function answerAll(routes: WarmUpRoutes, rounds: number, afterEach: () => Promise<void>): Promise<void> {
  const endSparing = growHeapSparingly();
  const servers: WarmUpServer[] = [];
  try {
    const data = await WarmUpData.create(createYielder(undefined, TURN_MS / 4));
    const databases = data.ofClasses(DATABASES);
    let asked = 0;
    for (let i = 0; i < 2; i++) {
      servers.push(await listen(() => routes(() => databases[asked++ % databases.length]!)));
    }
    const answerTimes = async (
      times: number,
      requests: (round: number) => readonly string[],
      optimise: () => void,
    ): Promise<void> => {
      for (let round = 0; round < times; round++) {
        const { port, address } = servers[(round >> 1) % servers.length]!.bound;
        const client = await WarmUpClient.connect(port, address);
        try {
          for (const path of requests(round)) {
            optimise();
            const answer = await client.get(path);
            if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`${path} was answered ${answer}`);
            await afterEach();
          }
        } finally {
          client.close();
        }
      }
    };
    await answerTimes(rounds, warmUpRequests, optimiseForNow);
    await answerTimes(rounds * SMALL_ROUNDS, smallRequests, optimiseRepeated);
  } finally {
    optimiseAsBefore();
    endSparing();
    for (const { http } of servers) await http.close(0);
  }
}

interface WarmUpServer {
  readonly http: HttpServer;
  readonly bound: Awaited<ReturnType<HttpServer['listen']>>;
}

async function listen(routes: () => ReturnType<WarmUpRoutes>): Promise<WarmUpServer> {
  const logger = createLogger({ service: 'warm-up', level: 'silent' });
  const http = createHttpServer({ registry: createRegistry(), logger, ...routes() });
  return { http, bound: await http.listen(0, '127.0.0.1') };
}

/**
 * A function to be awaited between pieces of work: it gives the event loop a turn, and now and then looks whether anything
 * else keeps the server busy, and then waits until that is over.
 */
function createIdleTurns(signal: AbortSignal): () => Promise<void> {
  let turnEndMs = 0;
  return async () => {
    if (performance.now() < turnEndMs) {
      await nextTurn(undefined, { signal });
      return;
    }
    // What others do is not for the warm-up to have optimised.
    optimiseAsBefore();
    for (let pauseMs = LOOK_MS; ; pauseMs = PAUSE_MS) {
      const before = performance.eventLoopUtilization();
      await sleep(pauseMs, undefined, { ref: false, signal });
      if (performance.eventLoopUtilization(before).utilization < BUSY) break;
    }
    turnEndMs = performance.now() + TURN_MS;
  };
}
