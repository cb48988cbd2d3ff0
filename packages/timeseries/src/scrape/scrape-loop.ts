import type { Logger } from '@opendata/storage';
import type { ExpositionSamples, FamilyMetadata } from '@opendata/wire';
import { type ScrapeClient, ScrapeError, type ScrapeResponse } from './fetch.ts';
import { parseScrape } from './parse-scrape.ts';
import { type ScrapeOutcome, ScrapeRecorder, type ScrapeStore } from './scrape-recorder.ts';
import { type ScrapeTarget, targetHash } from './target.ts';

/** A scrape that starts this close to its time counts as on time, so that timestamps stay evenly spaced. */
const TIMESTAMP_TOLERANCE_MS = 2;
/** A timer for longer would fire at once. */
const LONGEST_TIMER_MS = 0x7fffffff;

export interface ScrapeLoopOptions {
  readonly target: ScrapeTarget;
  readonly client: ScrapeClient;
  readonly store: ScrapeStore;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onScrape: (target: ScrapeTarget, outcome: ScrapeOutcome) => void;
}

/** State of a target for the targets page. */
export interface TargetStatus {
  readonly target: ScrapeTarget;
  readonly health: 'unknown' | 'up' | 'down';
  readonly lastError: string;
  /** Unix ms; 0 before the first scrape. */
  readonly lastScrapeMs: number;
  readonly lastDurationMs: number;
  /** What the target says of its metrics. */
  readonly metadata: readonly FamilyMetadata[];
}

export interface ScrapeLoop {
  status(): TargetStatus;
  /** Ends the loop; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** {@link stop}, and the series of the target get staleness markers: nobody scrapes it any more. */
  end(): Promise<void>;
}

/** Scrapes one target at its own place in the interval, until stopped. A scrape never overlaps the next one. */
export function startScrapeLoop(options: ScrapeLoopOptions): ScrapeLoop {
  const { target, client, store, logger, now } = options;
  const { intervalMs, timeoutMs } = target.job;
  const recorder = new ScrapeRecorder(target, store);
  const stopping = new AbortController();
  const offsetMs = targetHash(target) % intervalMs;
  let status: TargetStatus = {
    target,
    health: 'unknown',
    lastError: '',
    lastScrapeMs: 0,
    lastDurationMs: 0,
    metadata: [],
  };
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const schedule = (): void => {
    if (stopping.signal.aborted) return;
    const dueMs = nextTime(now(), offsetMs, intervalMs);
    const waitMs = dueMs - now();
    if (waitMs > LONGEST_TIMER_MS) {
      timer = setTimeout(schedule, LONGEST_TIMER_MS);
      return;
    }
    timer = setTimeout(() => {
      running = scrape(dueMs).finally(schedule);
    }, waitMs);
  };

  const scrape = async (dueMs: number): Promise<void> => {
    const startMs = now();
    const timestampMs = Math.abs(startMs - dueMs) <= TIMESTAMP_TOLERANCE_MS ? dueMs : startMs;
    const startedAt = performance.now();
    const response = await fetchOrError(client, target, timeoutMs, stopping.signal);
    const durationMs = performance.now() - startedAt;
    const result = await parseOrError(response, target);
    if (stopping.signal.aborted) return;
    let error: Error | undefined;
    try {
      const outcome = await recorder.record(result, timestampMs, durationMs);
      options.onScrape(target, outcome);
      error = outcome.error;
    } catch (failure) {
      error = failure instanceof Error ? failure : new Error(String(failure));
    }
    logChange(logger, status, target, error);
    status = {
      target,
      health: error === undefined ? 'up' : 'down',
      lastError: error?.message ?? '',
      lastScrapeMs: timestampMs,
      lastDurationMs: durationMs,
      metadata: recorder.metadata,
    };
  };

  async function halt(): Promise<void> {
    stopping.abort(new ScrapeError('the server is stopping'));
    clearTimeout(timer);
    await running;
  }

  schedule();
  return {
    status: () => status,
    async stop() {
      await halt();
      recorder.close();
    },
    async end() {
      await halt();
      try {
        await recorder.end(Math.max(now(), status.lastScrapeMs + 1));
      } catch (failure) {
        const fields = { job: target.jobLabel, instance: target.instanceLabel, err: failure };
        logger.warn(fields, 'no staleness markers for a target that is gone');
      }
      recorder.close();
    },
  };
}

/** The next time after `nowMs` that is `offsetMs` into an interval. */
export function nextTime(nowMs: number, offsetMs: number, intervalMs: number): number {
  const base = Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
  return base + intervalMs;
}

async function fetchOrError(
  client: ScrapeClient,
  target: ScrapeTarget,
  timeoutMs: number,
  stopping: AbortSignal,
): Promise<ScrapeResponse | Error> {
  if (target.refusal !== undefined) return new ScrapeError(target.refusal);
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new ScrapeError('context deadline exceeded')),
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  );
  try {
    return await client.fetch(target, AbortSignal.any([deadline.signal, stopping]));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

async function parseOrError(
  response: ScrapeResponse | Error,
  { job }: ScrapeTarget,
): Promise<ExpositionSamples | Error> {
  if (response instanceof Error) return response;
  try {
    return await parseScrape(response, job);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A line when a target goes down, comes back or fails in another way; not one for every scrape. */
function logChange(logger: Logger, before: TargetStatus, target: ScrapeTarget, error: Error | undefined): void {
  const fields = { job: target.jobLabel, instance: target.instanceLabel, url: target.url };
  if (error !== undefined && error.message !== before.lastError) {
    logger.warn({ ...fields, reason: error.message }, 'scrape failed');
  } else if (error === undefined && before.health === 'down') {
    logger.info(fields, 'scrape works again');
  }
}
