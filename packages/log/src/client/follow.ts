import type { TailOptions } from './log-client.ts';
import type { LogPort, Selection } from './log-port.ts';
import type { ReadRecord } from './records.ts';
import { backoffMs, pause, pauseAfter } from './retry.ts';

/** A port that sends records as they come. */
export type FollowPort = LogPort & Required<Pick<LogPort, 'follow'>>;

export function canFollow(port: LogPort): port is FollowPort {
  return port.follow !== undefined;
}

/** Follows many keys for ever; goes on behind the last record after every interruption. @throws as a tail does */
export async function* followSelection(
  port: FollowPort,
  selection: Selection,
  options: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<ReadRecord> {
  const { onlyDurable: durable = false, startTimeMs, last, onRetry } = options;
  let { start } = options;
  let failures = 0;
  for (;;) {
    try {
      // From now on: where the log ends at this moment.
      if (start === undefined && (last === 0 || (startTimeMs === undefined && last === undefined))) {
        start = (await port.watermark(0, 0, signal)).nextSequence;
      }
      for await (const { records, nextSequence } of port.follow(
        selection,
        { start, startTimeMs, last, durable },
        signal,
      )) {
        if (records.length > 0) failures = 0;
        // The first event may say no more than that the log is there.
        if (nextSequence > (start ?? 0)) start = nextSequence;
        yield* records;
      }
      await pause(backoffMs(failures++), signal);
    } catch (error) {
      await pauseAfter(error, failures++, onRetry, signal);
    }
  }
}
