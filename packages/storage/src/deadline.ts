import { StorageError } from './errors.ts';

/**
 * The promise itself, or `unavailable` once `deadlineMs` have passed. The work goes on: a call into the engine cannot be
 * taken back, so its late result is handed to `late` if that is given.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  deadlineMs: number,
  what: string,
  late?: (result: T) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      reject(unanswered(what, deadlineMs));
    }, deadlineMs);
    promise.then(
      (result) => {
        clearTimeout(timer);
        if (expired) late?.(result);
        else resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        if (!expired) reject(error);
      },
    );
  });
}

/** Resolves when the promise is settled, either way. */
export async function settled(promise: Promise<unknown> | undefined): Promise<void> {
  await promise?.catch(() => undefined);
}

export function unanswered(what: string, deadlineMs: number): StorageError {
  return new StorageError('unavailable', `${what}: the object store did not answer within ${deadlineMs} ms`, {
    details: { deadlineMs },
  });
}

/** Lets timers, I/O and the engine's own thread have their turn. */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after the delay, or as soon as the signal aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

/** A pause that others can end, one at a time. */
export class EndableSleep {
  #end: (() => void) | undefined;

  async forMs(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#end = undefined;
  }

  end(): void {
    this.#end?.();
  }
}
