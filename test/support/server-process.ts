import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

const END_MS = 90_000;

/** A started server process of ours, or any other program that listens on a port. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Everything that it has printed so far, both streams. */
  output(): string;
  readonly ended: boolean;
  /** Resolves with the exit code, or `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Resolves as `exited`. @throws Error with the output where it does not end: a server has 50 s to stop */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  /** Path that answers 200 once the server is ready. */
  readonly readyPath?: string;
  readonly readyTimeoutMs?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Below those that systems hand out by themselves, to listeners as to clients: nobody takes one of these meanwhile. */
const ports = { first: 22_000, perWorker: 1_000, workers: 10 };
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % ports.workers;
let portsGiven = Math.floor(Math.random() * ports.perWorker);

/** A TCP port of 127.0.0.1 that is free, and that no other test is given for a long time. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ports.perWorker; attempt++) {
    const port = ports.first + worker * ports.perWorker + (portsGiven++ % ports.perWorker);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free of ${ports.perWorker}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

/** Path of a bin of this repository; it needs a build. */
export function binPath(name: 'opendata-timeseries' | 'opendata-log'): string {
  return `${root}packages/${name.replace('opendata-', '')}/bin/${name}.js`;
}

/** Starts a program and does not wait for anything. */
export function spawnServer(options: ServerProcessOptions): ServerProcess {
  const child: ChildProcess = spawn(options.command, [...options.args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      chunks.push(Buffer.from(String(error)));
      ended = true;
      resolve(null);
    });
    // `close` comes after the last of the output, `exit` may come before it.
    child.once('close', (code) => {
      ended = true;
      resolve(code);
    });
  });
  return {
    url: `http://127.0.0.1:${options.port}`,
    port: options.port,
    pid: child.pid ?? 0,
    output: () => Buffer.concat(chunks).toString(),
    get ended() {
      return ended;
    },
    exited,
    kill(signal) {
      child.kill(signal);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`it goes on ${END_MS} ms after ${signal}:\n${Buffer.concat(chunks)}`));
        }, END_MS);
        void exited.then((code) => {
          clearTimeout(timer);
          resolve(code);
        });
      });
    },
  };
}

/**
 * Starts a program and waits until it is ready.
 * @throws Error with the program's output when it ends or stays unready for `readyTimeoutMs` (120 s).
 */
export async function startServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const server = spawnServer(options);
  const deadline = Date.now() + (options.readyTimeoutMs ?? 120_000);
  while (!(await answersOk(`${server.url}${options.readyPath ?? '/-/ready'}`))) {
    if (server.ended) throw new Error(`${options.command} ended before it was ready:\n${server.output()}`);
    if (Date.now() > deadline) {
      await server.kill('SIGKILL');
      throw new Error(`${options.command} was not ready in time:\n${server.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return server;
}

export interface OursOptions {
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts one of our servers from the build, on a free port unless `port` is given, and waits until it is ready. */
export async function startOurs(
  name: 'opendata-timeseries' | 'opendata-log',
  args: readonly string[],
  options: OursOptions = {},
): Promise<ServerProcess> {
  return startServer(await oursOptions(name, args, options));
}

/** {@link startOurs} without waiting. */
export async function spawnOurs(
  name: 'opendata-timeseries' | 'opendata-log',
  args: readonly string[],
  options: OursOptions = {},
): Promise<ServerProcess> {
  return spawnServer(await oursOptions(name, args, options));
}

async function oursOptions(
  name: 'opendata-timeseries' | 'opendata-log',
  args: readonly string[],
  { port: wanted, env, cwd }: OursOptions,
): Promise<ServerProcessOptions> {
  const port = wanted ?? (await freePort());
  return {
    command: process.execPath,
    args: [binPath(name), ...args, '--port', String(port)],
    port,
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
  };
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Runs one of our servers to its end; it is killed after 120 s. */
export function runOurs(
  name: 'opendata-timeseries' | 'opendata-log',
  args: readonly string[],
  { env, cwd }: Omit<OursOptions, 'port'> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [binPath(name), ...args],
      { cwd: cwd ?? root, env: { ...process.env, ...env }, timeout: 120_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
      },
    );
  });
}
