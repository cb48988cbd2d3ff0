import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandOutput } from '@opendata/server/cli';
import { isLogClientError } from '../client/errors.ts';
import { Latencies } from './latencies.ts';

export interface Load {
  readonly title: string;
  readonly durationMs: number;
  /** Requests on their way at once. */
  readonly concurrency: number;
  /** Requests a second; undefined: the next one begins when one has ended. */
  readonly perSecond: number | undefined;
}

export interface LoadView {
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

/** What a request moved. */
export interface Moved {
  readonly records: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

const MiB = 1024 * 1024;
const percentiles = [50, 90, 99, 99.9, 100] as const;

/** Runs requests until the time is over or the signal fires, then prints what was measured. @throws the first error, when nothing worked */
export async function runLoad(load: Load, view: LoadView, request: () => Promise<Moved>): Promise<void> {
  const latencies = new Latencies();
  const errors = new Map<string, number>();
  let firstError: unknown;
  let records = 0;
  let bytes = 0;
  let requests = 0;
  let due = 0;
  const startMs = performance.now();
  const endMs = startMs + load.durationMs;

  async function worker(): Promise<void> {
    while (!view.signal.aborted) {
      let beginMs = performance.now();
      if (load.perSecond !== undefined) {
        beginMs = startMs + (due++ * 1000) / load.perSecond;
        const earlyMs = beginMs - performance.now();
        if (beginMs < endMs && earlyMs > 0) await sleep(earlyMs);
      }
      if (beginMs >= endMs || performance.now() >= endMs) return;
      try {
        const moved = await request();
        if (view.signal.aborted) return;
        latencies.add(performance.now() - beginMs);
        records += moved.records;
        bytes += moved.bytes;
        requests++;
      } catch (error) {
        if (view.signal.aborted) return;
        firstError ??= error;
        const code = isLogClientError(error) ? error.code : 'failed';
        errors.set(code, (errors.get(code) ?? 0) + 1);
        // A server that is away is not asked as fast as it refuses.
        await sleep(10);
      }
    }
  }

  function result(): Result {
    const seconds = (performance.now() - startMs) / 1000;
    return { seconds, requests, records, bytes, errors: Object.fromEntries(errors), latencies };
  }

  const { progress } = view.output;
  const timer = progress.isShown ? setInterval(() => progress.update(progressText(load, result())), 250) : undefined;
  await Promise.all(Array.from({ length: load.concurrency }, worker));
  clearInterval(timer);
  progress.done();
  if (requests === 0 && firstError !== undefined) throw firstError;
  await printResult(load.title, result(), view);
}

interface Result extends Moved {
  readonly seconds: number;
  readonly requests: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly latencies: Latencies;
}

function progressText({ durationMs }: Load, { seconds, records, latencies }: Result): string {
  const rate = Math.round(records / seconds);
  return `${seconds.toFixed(0)} of ${durationMs / 1000} s, ${rate} records/s, p99 ${latencies.percentile(99).toFixed(2)} ms`;
}

async function printResult(title: string, result: Result, { json, output }: LoadView): Promise<void> {
  const { seconds, requests, records, bytes, errors, latencies } = result;
  const latencyMs = Object.fromEntries(
    percentiles.map((p) => [p === 100 ? 'max' : `p${p}`, round(latencies.percentile(p))]),
  );
  const rates = {
    requestsPerSecond: round(requests / seconds),
    recordsPerSecond: round(records / seconds),
    MiBPerSecond: round(bytes / MiB / seconds),
  };
  if (json)
    return output.json({ title, seconds: round(seconds), requests, records, bytes, ...rates, latencyMs, errors });
  const failed = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
  await output.write(`${title}\n\n`);
  await output.table(
    ['seconds', 'requests/s', 'records/s', 'MiB/s', 'errors'],
    [[seconds.toFixed(1), ...Object.values(rates).map(String), failed.length === 0 ? '0' : failed.join(', ')]],
  );
  await output.write('\n');
  await output.table(['latency ms', ...Object.keys(latencyMs)], [['', ...Object.values(latencyMs).map(String)]]);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
