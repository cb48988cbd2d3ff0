import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const FIXTURE = new URL('./fixture-server.mjs', import.meta.url).pathname;

/** The fixture imports the built package. */
export const isBuilt = existsSync(new URL('../dist/index.js', import.meta.url));

export type LogEvent = Readonly<Record<string, unknown>>;

/** A running fixture server and what it has written so far. */
export interface FixtureProcess {
  readonly child: ChildProcess;
  /** `http://127.0.0.1:port`, once it listens. */
  readonly url: Promise<string>;
  readonly exited: Promise<FixtureExit>;
  /** Resolves with the first event of this message, past or future; rejects when the process ends without it. */
  logged(message: string): Promise<LogEvent>;
}

export interface FixtureExit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function startFixture(args: readonly string[] = [], env: Record<string, string> = {}): FixtureProcess {
  const child = spawn(process.execPath, [FIXTURE, ...args], { env: { PATH: process.env['PATH'], ...env } });
  let stdout = '';
  let stderr = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const check = () => {
    for (const wake of waiting) wake();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    check();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<FixtureExit>((resolve) => {
    child.on('close', (code) => {
      ended = true;
      check();
      resolve({ code, stdout, stderr });
    });
  });

  function logged(message: string): Promise<LogEvent> {
    return new Promise((resolve, reject) => {
      function wake(): void {
        const event = logEvents(stdout).find(({ msg }) => msg === message);
        if (event === undefined && !ended) return;
        waiting.delete(wake);
        if (event !== undefined) resolve(event);
        else reject(new Error(`the process ended without logging ${JSON.stringify(message)}\n${stdout}${stderr}`));
      }
      waiting.add(wake);
      wake();
    });
  }

  const url = logged('listening').then(({ port }) => `http://127.0.0.1:${port}`);
  url.catch(() => {});
  return { child, url, exited, logged };
}

/** The complete lines of a log. */
export function logEvents(stdout: string): LogEvent[] {
  return stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogEvent);
}
