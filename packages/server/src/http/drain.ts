import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { QuickLane } from './quick-lane.ts';
import { callOff } from './request-signal.ts';
import type { ResponseTracker } from './tracked-response.ts';

/**
 * So long an idle connection stays open. A client that just sends its next request gets an answer, with
 * `Connection: close`; closed under its hands, it would not know whether the request was taken.
 */
const IDLE_GRACE_MS = 250;
const CHECK_INTERVAL_MS = 10;
/** So long queries and waits go on; then they are answered that the server stops. */
const LONGEST_WAIT_MS = 5_000;
/** So long the clients of those have to read their answers. */
const LAST_ANSWER_MS = 1_500;

/**
 * Stops a server: no new connections, no new requests on those that are open once their next one is answered. What can
 * be called off (see `requestSignal`) is, after 5 s or half of the deadline; what is still running after `deadlineMs` is
 * broken off.
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
  // Whoever has connected and was not seen yet would be reset with the listener: the loop looks once more.
  await nextTurn();
  await nextTurn();
  // The close of an HTTP server closes idle connections at once.
  const closed = server.listening
    ? new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    : undefined;
  const graceMs = Math.min(IDLE_GRACE_MS, deadlineMs / 4);
  while (openConnections.value > 0 && performance.now() - startMs < graceMs) await sleep(CHECK_INTERVAL_MS);
  lane.closeIdle();
  server.closeIdleConnections();
  const timers: NodeJS.Timeout[] = [];
  const at = (elapsedMs: number, action: () => void): void => {
    timers.push(setTimeout(action, elapsedMs - (performance.now() - startMs)));
  };
  let brokenOff = 0;
  const callOffReads = (): void => {
    const calledOff = [...tracker.open].filter(callOff);
    const quick = lane.callOff();
    at(performance.now() - startMs + LAST_ANSWER_MS, () => {
      for (const response of calledOff) {
        if (!tracker.open.has(response)) continue;
        brokenOff++;
        response.destroy();
      }
      for (const connection of quick) {
        if (!connection.isBusy) continue;
        brokenOff++;
        connection.destroy();
      }
    });
  };
  await new Promise<void>((resolve) => {
    if (inFlight.value === 0) return resolve();
    at(Math.min(LONGEST_WAIT_MS, deadlineMs / 2), callOffReads);
    at(deadlineMs, resolve);
    tracker.onClosed = () => {
      server.closeIdleConnections();
      if (inFlight.value === 0) resolve();
    };
  });
  for (const timer of timers) clearTimeout(timer);
  brokenOff += inFlight.value;
  lane.closeAll();
  server.closeAllConnections();
  await closed;
  return brokenOff;
}
