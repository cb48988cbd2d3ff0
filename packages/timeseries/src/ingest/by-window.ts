import type { Head } from '../head/head.ts';
import type { SampleColumns } from './head-writer.ts';

export interface WindowSamples {
  readonly startMs: number;
  readonly columns: SampleColumns;
}

/** The samples by the window that they fall into, each part in the order given. */
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
