import { canFollow, followSelection } from './follow.ts';
import type { TailOptions } from './log-client.ts';
import type { LogPort, Page, Target } from './log-port.ts';
import type { ReadRecord } from './records.ts';
import { backoffMs, pause, pauseAfter } from './retry.ts';

const pageRecords = 4096;
/** How long the log holds an empty answer back. */
const followMs = 25_000;
/** One that comes sooner is from a log that is stopping, or from a proxy that does not wait. */
const soonMs = 1000;

/** Follows for ever; goes on where it was after every interruption. @throws what does not pass, or the signal's reason */
export async function* tailPages(
  port: LogPort,
  target: Target,
  options: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<ReadRecord> {
  if (!(target instanceof Uint8Array) && canFollow(port)) {
    yield* followSelection(port, target, options, signal);
    return;
  }
  const { onlyDurable: durable = false, onRetry } = options;
  let { startTimeMs, last } = options;
  let start = options.start ?? (startTimeMs === undefined && last === undefined ? undefined : 0);
  let failures = 0;
  for (;;) {
    let page: Page;
    const askedMs = performance.now();
    try {
      // From now on: where the log ends at this moment.
      if (start === undefined || last === 0) {
        start = (await port.watermark(0, 0, signal)).nextSequence;
        last = undefined;
      }
      const range = { start, end: undefined, limit: pageRecords, startTimeMs, reverse: false, durable };
      page = await port.page(target, { ...range, last, followMs: last === undefined ? followMs : undefined }, signal);
      if (page.records.length > 0 || last !== undefined || performance.now() - askedMs > soonMs) failures = 0;
      else await pause(backoffMs(failures++), signal);
    } catch (error) {
      await pauseAfter(error, failures++, onRetry, signal);
      continue;
    }
    // A log that is being closed may answer without saying where it is.
    start = Math.max(start, page.nextSequence);
    last = undefined;
    startTimeMs = undefined;
    yield* page.records;
  }
}
