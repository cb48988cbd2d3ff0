import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** Everything written to stdout so far. */
  readonly output: () => string;
  /** Resolves with the exit code, null when it was killed. */
  readonly exited: Promise<number | null>;
}

/** Runs a script of this folder on the built packages. */
export function startChild(script: string, ...args: (string | number)[]): Child {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return { process: child, output: () => output, exited: new Promise((resolve) => child.once('close', resolve)) };
}

/** Kills the child when it has not ended by itself. */
export async function endedWithin(child: Child, timeoutMs: number): Promise<boolean> {
  let ended = true;
  const timer = setTimeout(() => {
    ended = false;
    child.process.kill('SIGKILL');
  }, timeoutMs);
  await child.exited;
  clearTimeout(timer);
  return ended;
}
