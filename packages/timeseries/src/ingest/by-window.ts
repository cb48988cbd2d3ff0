import { InvalidSampleError } from '../head/errors.ts';
import type { Head } from '../head/head.ts';
import type { SampleColumns } from './head-writer.ts';

export interface WindowSamples {
  readonly startMs: number;
  readonly columns: SampleColumns;
}

/**
 * Windows that one request may have samples of. Each is a journal entry of its own and some 10 KiB of memory; of windows
 * of an hour these are 85 days.
 */
export const MAX_WINDOWS_PER_WRITE = 2048;

/** @throws InvalidSampleError where a request has samples of too many windows */
export function checkWindowCount(head: Head, count: number): void {
  if (count <= MAX_WINDOWS_PER_WRITE) return;
  throw new InvalidSampleError(
    `samples of more than ${MAX_WINDOWS_PER_WRITE} windows of ${head.durationMs / 1000} s in one request: send them in several`,
  );
}

/**
 * The samples by the window that they fall into, each part in the order given.
 * @throws InvalidSampleError where there are more than `MAX_WINDOWS_PER_WRITE`
 */
export function distributeByWindow(head: Head, samples: SampleColumns): WindowSamples[] {
  const { series, timestamps, values, count, starts } = samples;
  const parts: { startMs: number; size: number }[] = [];
  const partOfStart = new Map<number, number>();
  const partOf = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const startMs = head.windowStart(timestamps[i]!);
    let part = partOfStart.get(startMs);
    if (part === undefined) {
      part = parts.length;
      checkWindowCount(head, part + 1);
      partOfStart.set(startMs, part);
      parts.push({ startMs, size: 0 });
    }
    parts[part]!.size++;
    partOf[i] = part;
  }
  const columns = parts.map(({ startMs, size }) => ({
    startMs,
    columns: {
      series: new Uint32Array(size),
      timestamps: new Float64Array(size),
      values: new Float64Array(size),
      count: size,
      starts: starts && new Float64Array(size),
    },
  }));
  const fills = new Uint32Array(parts.length);
  for (let i = 0; i < count; i++) {
    const part = partOf[i]!;
    const target = columns[part]!.columns;
    const at = fills[part]!++;
    target.series[at] = series[i]!;
    target.timestamps[at] = timestamps[i]!;
    target.values[at] = values[i]!;
    if (target.starts !== undefined) target.starts[at] = starts![i]!;
  }
  return columns.sort((a, b) => a.startMs - b.startMs);
}
