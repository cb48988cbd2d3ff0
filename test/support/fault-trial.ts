import type { Fault, ProxiedRequest } from '@opendata/storage/testing';
import { expect } from 'vitest';
import type { BucketRig } from './bucket-rig.ts';
import { type Database, startOn, storageSection } from './databases.ts';
import type { FaultKind } from './fault-kinds.ts';
import { type Load, sleep, until } from './load.ts';
import type { RotatingCredentials } from './rotating-credentials.ts';
import type { ServerProcess } from './server-process.ts';
import type { Witness } from './witness.ts';

const expired: Fault = { kind: 'status', status: 400, code: 'ExpiredToken' };

/** How long a write waits for its commit, and how long it may at most take to be answered on a busy machine. */
const commitTimeoutMs = 2000;
const answerBoundMs = commitTimeoutMs + 15_000;

/** What one fault did. */
export interface TrialResult {
  readonly fault: string;
  /** Requests to the store that something was done to. */
  readonly injected: number;
  /** Writes acknowledged, and refused with 429 or 503, from the fault until the service was back. */
  readonly acknowledged: number;
  readonly refused: number;
  /** Longest answer to a write meanwhile. */
  readonly slowestMs: number;
  /** From the end of the fault to a write acknowledged and readiness, restart included. */
  readonly recoveredMs: number;
  /** Times that the server ended by itself with exit code 1, to be started again as Kubernetes does. */
  readonly restarts: number;
}

/** One database under load, on which faults are tried one after the other. */
export interface Trials {
  run(kind: FaultKind, random: () => number): Promise<TrialResult>;
  /** Stops the server in order and looks at everything once more, with a server that has only the bucket. */
  end(): Promise<void>;
}

let databasesMade = 0;

/** The engine looks, flushes, compacts and collects garbage all the time, so that every fault meets all of that. */
const busyEngine = `manifest_poll_interval: '300ms'
l0_sst_size_bytes: 16384
compactor_options: {poll_interval: '300ms'}
garbage_collector_options:
  wal_options: {interval: '2s', min_age: '5s'}
  compacted_options: {interval: '2s', min_age: '30s'}
  manifest_options: {interval: '2s', min_age: '30s'}
`;

/** @param more further lines of the configuration */
export async function startTrials(
  database: Database,
  rig: BucketRig,
  credentials: RotatingCredentials,
  more = '',
): Promise<Trials> {
  const section = storageSection(
    `{type: Aws, bucket: ${rig.s3.bucket}}`,
    `  commit_timeout_ms: ${commitTimeoutMs}\n  settings_path: ${rig.workspace.file('slatedb.yaml', busyEngine)}\n`,
  ).replace('path: db', `path: faults${++databasesMade}`);
  const config = section + more;
  const throughProxy = { ...rig.s3.env, ...credentials.env, AWS_ENDPOINT_URL: rig.proxy.endpoint };
  let injected = 0;
  const withCredentials =
    (choose: (request: ProxiedRequest) => Fault | undefined) =>
    (request: ProxiedRequest): Fault | undefined => {
      const fault = credentials.accepts(request) ? choose(request) : expired;
      if (fault !== undefined) injected++;
      return fault;
    };
  const healthy = () => rig.proxy.setFault(withCredentials(() => undefined));

  healthy();
  const witness = database.createWitness();
  const start = () => startAgainAndAgain(() => startOn(database, rig.workspace, config, throughProxy));
  const isWanted = new Set<ServerProcess>();
  let restarts = 0;
  /** What servers that gave up said last. */
  let lastWords = '';
  /** Starts another one after a server that has given up. */
  const keep = (kept: ServerProcess): ServerProcess => {
    void kept.exited.then(async (code) => {
      if (isWanted.has(kept)) return;
      restarts++;
      lastWords += kept.output().slice(-4000);
      expect(code, kept.output().slice(-4000)).toBe(1);
      server = keep(await start());
    });
    return kept;
  };
  let server = keep(await start());
  const load = witness.startLoad({ clients: 4, url: () => server.url });
  await moreAcknowledged(witness, 8);

  async function run(kind: FaultKind, random: () => number): Promise<TrialResult> {
    load.reset();
    injected = 0;
    restarts = 0;
    lastWords = '';
    const acknowledgedBefore = witness.acknowledged;
    if (kind.credentials === 'expire') credentials.refuse(true);
    if (kind.credentials !== undefined) credentials.expire();
    rig.proxy.setFault(withCredentials(kind.requests(random)));
    const holdMs = kind.holdMs(random);
    const sealed = seal(server, random);
    if (kind.server === 'fence') {
      const first = server;
      isWanted.add(first);
      server = keep(await start());
      expect(await first.exited, first.output()).toBe(3);
    }
    await sleep(holdMs);
    if (kind.refuses) await until('writes refused', () => load.count(503) + load.count(429) > 0);
    // One that has given up by itself is being replaced already: another one would take the database from that.
    const isKilled = kind.server === 'kill' && !server.ended;
    if (isKilled) {
      isWanted.add(server);
      await server.kill('SIGKILL');
    }
    credentials.refuse(false);
    healthy();
    const liftedMs = performance.now();
    if (isKilled) server = keep(await start());
    await moreAcknowledged(witness, 5);
    await until('readiness', async () =>
      fetch(`${server.url}/-/ready`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const recoveredMs = performance.now() - liftedMs;
    await sealed;
    await until('sealing', () => seal(server, random));
    await witness.verify(server);
    expectBoundedAnswers(load, kind.server !== undefined || restarts > 0);
    return {
      fault: kind.name,
      injected,
      acknowledged: witness.acknowledged - acknowledgedBefore,
      refused: load.count(503) + load.count(429),
      slowestMs: Math.max(...load.answers.map(({ elapsedMs }) => elapsedMs)),
      recoveredMs,
      restarts,
    };
  }

  return {
    run: (kind, random) =>
      run(kind, random).catch((error: unknown) => {
        throw new Error(`${kind.name}: ${String(error)}\n${lastWords}\n${server.output().slice(-4000)}`, {
          cause: error,
        });
      }),
    async end() {
      await load.stop();
      isWanted.add(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      const restarted = await startOn(database, rig.workspace, config, rig.s3.env);
      await witness.verify(restarted);
      expect(await restarted.kill('SIGTERM')).toBe(0);
    },
  };
}

/** As Kubernetes does with a server that gives up because the store does not answer in time. */
async function startAgainAndAgain(start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

async function moreAcknowledged(witness: Witness, count: number): Promise<void> {
  const before = witness.acknowledged;
  await until('acknowledged writes', () => witness.acknowledged >= before + count);
}

/** Seals and merges what there is, windows that are not over included; whether that went well. The log does it by itself. */
function seal(server: ServerProcess, random: () => number): Promise<boolean> {
  return fetch(`${server.url}/-/flush?all=${random() < 0.5}`, { method: 'POST' }).then(
    async (response) => {
      await response.text();
      return response.ok || response.status === 404;
    },
    () => false,
  );
}

function expectBoundedAnswers(load: Load, serverWentAway: boolean): void {
  for (const { status, elapsedMs, retryAfter, failure, text } of load.answers) {
    if (failure !== undefined) {
      expect(serverWentAway, failure).toBe(true);
      expect(failure).not.toBe('TimeoutError');
      continue;
    }
    expect([200, 204, 429, 503], text).toContain(status);
    expect(elapsedMs).toBeLessThan(answerBoundMs);
    if (status >= 400) expect(Number(retryAfter), `${status} ${text}`).toBeGreaterThan(0);
  }
}
