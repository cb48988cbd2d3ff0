import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QuickLane } from './quick-lane.ts';
import type { ResponseTracker } from './tracked-response.ts';

/**
 * So long an idle connection stays open. A client that just sends its next request gets an answer, with
 * `Connection: close`; closed under its hands, it would not know whether the request was taken.
 */
const IDLE_GRACE_MS = 250;
const CHECK_INTERVAL_MS = 10;

/**
 * Stops a server: no new connections, no new requests on those that are open once their next one is answered; what is
 * still running after `deadlineMs` is broken off.
 * @returns the number of requests broken off
 */
export async function drainServer(
  server: Server,
  lane: QuickLane,
  tracker: ResponseTracker,
  deadlineMs: number,
): Promise<number> {
  const { inFlight, openConnections } = tracker.metrics;
  const startMs = performance.now();
  tracker.draining = true;
  // The close of an HTTP server closes idle connections at once.
  const closed = server.listening
    ? new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    : undefined;
  const graceMs = Math.min(IDLE_GRACE_MS, deadlineMs / 4);
  while (openConnections.value > 0 && performance.now() - startMs < graceMs) await sleep(CHECK_INTERVAL_MS);
  lane.closeIdle();
  server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    if (inFlight.value === 0) return resolve();
    timer = setTimeout(resolve, deadlineMs - (performance.now() - startMs));
    tracker.onClosed = () => {
      server.closeIdleConnections();
      if (inFlight.value === 0) resolve();
    };
  });
  clearTimeout(timer);
  const brokenOff = inFlight.value;
  lane.closeAll();
  server.closeAllConnections();
  await closed;
  return brokenOff;
}
