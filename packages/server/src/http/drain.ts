import type { Server } from 'node:http';
import type { ResponseTracker } from './tracked-response.ts';

/**
 * Stops a server: no new connections, no new requests on those that are open once their present one is answered; what
 * is still running after `deadlineMs` is broken off.
 * @returns the number of requests broken off
 */
export async function drainServer(server: Server, tracker: ResponseTracker, deadlineMs: number): Promise<number> {
  const { inFlight } = tracker.metrics;
  tracker.draining = true;
  const closed = server.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined;
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    if (inFlight.value === 0) return resolve();
    timer = setTimeout(resolve, deadlineMs);
    tracker.onClosed = () => {
      server.closeIdleConnections();
      if (inFlight.value === 0) resolve();
    };
  });
  clearTimeout(timer);
  const brokenOff = inFlight.value;
  server.closeAllConnections();
  await closed;
  return brokenOff;
}
