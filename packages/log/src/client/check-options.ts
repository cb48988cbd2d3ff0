import { longestTimerMs } from '../wait-timer.ts';
import { checkBooleans, checkWithin } from './check-arguments.ts';
import type { ClientOptions } from './client.ts';
import type { HttpOptions } from './http-transport.ts';
import type { ProducerOptions } from './producer.ts';

const most = Number.MAX_SAFE_INTEGER;

/** @throws LogClientError invalid_input by field and reason */
export function checkClientOptions({ retryTimeoutMs }: ClientOptions): void {
  checkRetryTimeout(retryTimeoutMs);
}

/** @throws LogClientError invalid_input by field and reason */
export function checkHttpOptions({ timeoutMs, maxConnections }: HttpOptions): void {
  checkWithin('timeoutMs', timeoutMs, 1, longestTimerMs);
  if (maxConnections !== Number.POSITIVE_INFINITY) checkWithin('maxConnections', maxConnections, 1, most);
}

/** @throws LogClientError invalid_input by field and reason */
export function checkProducerOptions(options: ProducerOptions): void {
  const { session, awaitDurable, allowDuplicates } = options;
  checkBooleans({ session, awaitDurable, allowDuplicates });
  checkWithin('lingerMs', options.lingerMs, 0, longestTimerMs);
  checkWithin('maxBatchBytes', options.maxBatchBytes, 1, most);
  checkWithin('maxBatchRecords', options.maxBatchRecords, 1, most);
  checkWithin('maxInFlight', options.maxInFlight, 1, most);
  checkWithin('maxPendingBytes', options.maxPendingBytes, 1, most);
  checkRetryTimeout(options.retryTimeoutMs);
}

/** It may be infinite. */
function checkRetryTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs !== Number.POSITIVE_INFINITY) checkWithin('retryTimeoutMs', timeoutMs, 0, most);
}
