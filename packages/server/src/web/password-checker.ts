import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** As many answers are remembered: a comparison takes tens of milliseconds on purpose, and clients ask every second. */
const REMEMBERED = 100;
/** More that wait at once are refused: they would only be guesses. */
const MAX_WAITING = 64;

/** Compares passwords with bcrypt hashes, in a thread of its own. */
export interface PasswordChecker {
  /** Whether the password has this hash; `undefined`: too many are being checked. */
  matches(user: string, password: string, hash: string): boolean | undefined | Promise<boolean | undefined>;
  close(): void;
}

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { compareSync } = require(workerData);
parentPort.on('message', ({ id, password, hash }) => parentPort.postMessage({ id, same: compareSync(password, hash) }));
`;

export function createPasswordChecker(): PasswordChecker {
  const known = new Map<string, boolean>();
  const waiting = new Map<string, Promise<boolean>>();
  const answers = new Map<number, (same: boolean) => void>();
  let worker: Worker | undefined;
  let lastId = 0;

  function start(): Worker {
    const started = new Worker(WORKER, {
      eval: true,
      workerData: createRequire(import.meta.url).resolve('bcryptjs'),
      execArgv: [],
    });
    started.on('message', ({ id, same }: { id: number; same: boolean }) => {
      answers.get(id)?.(same);
      answers.delete(id);
      if (answers.size === 0) started.unref();
    });
    return started;
  }

  function compare(key: string, password: string, hash: string): Promise<boolean> {
    worker ??= start();
    worker.ref();
    const id = ++lastId;
    const compared = new Promise<boolean>((resolve) => answers.set(id, resolve)).then((same) => {
      waiting.delete(key);
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value!);
      known.set(key, same);
      return same;
    });
    waiting.set(key, compared);
    worker.postMessage({ id, password, hash });
    return compared;
  }

  return {
    matches(user, password, hash) {
      const key = createHash('sha256')
        .update(JSON.stringify([user, hash, password]))
        .digest('base64');
      const answer = known.get(key) ?? waiting.get(key);
      if (answer !== undefined) return answer;
      return waiting.size >= MAX_WAITING ? undefined : compare(key, password, hash);
    },
    close: () => void worker?.terminate(),
  };
}
