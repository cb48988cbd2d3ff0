import { growFloat64, growUint32 } from '../head/growable.ts';
import type { SampleColumns } from '../ingest/head-writer.ts';

/** Prometheus' staleness marker, a NaN with these bits; kept in a column, as a bare number may lose them. */
const staleColumn = new Float64Array(1);
new DataView(staleColumn.buffer).setBigUint64(0, 0x7ff0000000000002n, true);

/** Samples of one scrape, to be appended together. */
export class SampleBatch implements SampleColumns {
  series = new Uint32Array(256);
  timestamps: Float64Array = new Float64Array(256);
  values: Float64Array = new Float64Array(256);
  count = 0;
  #starts: Float64Array | undefined;

  get starts(): Float64Array | undefined {
    return this.#starts;
  }

  /** @param startMs when the counter began to count, a whole number of Unix ms; 0 where that is not known */
  add(series: number, timestampMs: number, value: number, startMs = 0): void {
    const at = this.#next(series, timestampMs);
    this.values[at] = value;
    if (startMs === 0 && this.#starts === undefined) return;
    this.#starts = growFloat64(this.#starts ?? new Float64Array(this.values.length), this.values.length);
    this.#starts[at] = startMs;
  }

  /** Says that the series has ended. */
  addStale(series: number, timestampMs: number): void {
    const at = this.#next(series, timestampMs);
    this.values.set(staleColumn, at);
    if (this.#starts !== undefined) this.#starts = growFloat64(this.#starts, this.values.length);
  }

  clear(): void {
    this.count = 0;
    this.#starts = undefined;
  }

  #next(series: number, timestampMs: number): number {
    const at = this.count++;
    if (at === this.series.length) {
      this.series = growUint32(this.series, at + 1);
      this.timestamps = growFloat64(this.timestamps, at + 1);
      this.values = growFloat64(this.values, at + 1);
    }
    this.series[at] = series;
    this.timestamps[at] = timestampMs;
    return at;
  }
}
