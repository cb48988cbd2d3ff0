import type { Logger } from '../logger.ts';
import type { Registry } from '../metrics/registry.ts';

const CHECK_INTERVAL_MS = 100;
/** Longer than this and requests notice. */
const STALL_MS = 100;
/** Longer than this and probes and clients notice: worth a line in the log. */
const LOGGED_STALL_MS = 1000;

/** Counts the times that the event loop was held up, and logs the long ones. */
export function watchEventLoop(registry: Registry, logger: Logger): void {
  const stalls = registry.counter({
    name: 'nodejs_eventloop_stalls_total',
    help: 'Times that one piece of work held up the event loop for more than 100 ms',
  });
  const stalledSeconds = registry.counter({
    name: 'nodejs_eventloop_stalled_seconds_total',
    help: 'Time during which the event loop was held up by the stalls counted',
  });
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const stallMs = nowMs - lastMs - CHECK_INTERVAL_MS;
    lastMs = nowMs;
    if (stallMs <= STALL_MS) return;
    stalls.inc();
    stalledSeconds.inc(stallMs / 1000);
    if (stallMs > LOGGED_STALL_MS) logger.warn({ stallMs: Math.round(stallMs) }, 'the event loop was held up');
  }, CHECK_INTERVAL_MS);
  timer.unref();
}
