import { setTimeout as sleep } from 'node:timers/promises';
import { isLogClientError, isPassing, type LogClientError } from './errors.ts';

const firstDelayMs = 50;
const longestDelayMs = 5000;

export interface RetryOptions {
  /** Give up when it has not worked for so long, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Which errors are worth another try; default: those that pass. */
  readonly isRetryable?: (error: LogClientError) => boolean;
  /** Told before each further try. */
  readonly onRetry?: ((error: LogClientError, delayMs: number) => void) | undefined;
}

/** Tries until it works, with growing random delays and never earlier than the log asks for. @throws the last error */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { timeoutMs, signal, isRetryable = isPassing, onRetry } = options;
  const endMs = performance.now() + timeoutMs;
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isLogClientError(error) || !isRetryable(error)) throw error;
      const delayMs = retryDelayMs(failures, error);
      if (performance.now() + delayMs > endMs) throw error;
      onRetry?.(error, delayMs);
      await pause(delayMs, signal);
    }
  }
}

/** The delay before try `failures` + 2: doubled each time, half of it random. */
export function backoffMs(failures: number): number {
  const fullMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 20));
  return fullMs / 2 + Math.random() * (fullMs / 2);
}

/** `backoffMs` after an error: never earlier than the log asks for. */
export function retryDelayMs(failures: number, error: LogClientError): number {
  return Math.max(backoffMs(failures), jittered(error.retryAfterMs ?? 0));
}

/** Not earlier, and not all at the same time. */
function jittered(delayMs: number): number {
  return delayMs * (1 + Math.random() / 4);
}

/** @throws the reason of the signal */
export async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Waits after an error of something that goes on for ever.
 * @throws the reason of the signal; the error, where it does not pass
 */
export async function pauseAfter(
  error: unknown,
  failures: number,
  onRetry: RetryOptions['onRetry'],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (!isPassing(error)) throw error;
  const delayMs = retryDelayMs(failures, error);
  onRetry?.(error, delayMs);
  await pause(delayMs, signal);
}
