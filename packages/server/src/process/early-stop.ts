import { EXIT_CODES } from './exit-codes.ts';

const signals = ['SIGTERM', 'SIGINT'] as const;
const end = (): never => process.exit(EXIT_CODES.ok);

/**
 * Ends the process on SIGTERM and SIGINT until {@link endStopWhileLoading}. The first process of a container is not
 * ended by a signal that it does not handle: one that came while the program is loaded would be lost, and the pod would wait
 * for SIGKILL.
 */
export function stopWhileLoading(): void {
  for (const signal of signals) process.on(signal, end);
}

/**
 * Somebody else handles the signals from now on, and has said so to Node before this: a signal that came in this turn of the event
 * loop is lost where nobody listens for a moment.
 */
export function endStopWhileLoading(): void {
  for (const signal of signals) process.off(signal, end);
}
