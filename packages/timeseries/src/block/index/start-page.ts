import { ByteWriter } from '../codec/byte-writer.ts';
import { INDEX_PAGE_BYTES, INDEX_PAGE_VERSION } from './block-format.ts';
import type { PageRef } from './descriptor.ts';
import { openIndexPage } from './packed-page.ts';

/**
 *     page := version u8, { series - series before varint, steps varint, { time signed varint, start signed varint } }
 *
 * When the counters of series began to count, series ascending: from the sample at `time` on that is `start`, 0 where
 * nobody has said it; before the first step, it is 0. Times and starts are Unix ms, as distances to the step before, also
 * that of the series before.
 */
export class StartPageWriter {
  readonly #refs: PageRef[] = [];
  readonly #out = new ByteWriter(64);
  readonly #steps = new ByteWriter(64);
  #first = 0;
  #seriesBefore = 0;
  #timeBefore = 0;
  #startBefore = 0;

  /** Adds the starts of a series' samples; true where the page is full and to be written. */
  add(series: number, timestamps: Float64Array, starts: Float64Array): boolean {
    const steps = this.#steps;
    steps.length = 0;
    let count = 0;
    let start = 0;
    for (let i = 0; i < starts.length; i++) {
      if (starts[i] === start) continue;
      start = starts[i]!;
      steps.signedVarint(timestamps[i]! - this.#timeBefore);
      steps.signedVarint(start - this.#startBefore);
      this.#timeBefore = timestamps[i]!;
      this.#startBefore = start;
      count++;
    }
    if (count === 0) return false;
    const out = this.#out;
    if (out.length === 0) {
      out.byte(INDEX_PAGE_VERSION);
      this.#first = series;
    }
    out.varint(series - this.#seriesBefore);
    out.varint(count);
    out.append(steps.bytes.subarray(0, steps.length));
    this.#seriesBefore = series;
    return out.length >= INDEX_PAGE_BYTES;
  }

  async writePage(writePage: (page: Uint8Array) => Promise<number>): Promise<void> {
    const bytes = this.#out.bytes.slice(0, this.#out.length);
    const first = this.#first;
    this.#out.length = 0;
    this.#seriesBefore = 0;
    this.#timeBefore = 0;
    this.#startBefore = 0;
    this.#refs.push({ page: await writePage(bytes), first });
  }

  async finish(writePage: (page: Uint8Array) => Promise<number>): Promise<readonly PageRef[]> {
    if (this.#out.length > 0) await this.writePage(writePage);
    return this.#refs;
  }
}

/** The steps of series `series[i]` are those from `from[i]` to `from[i + 1]`. */
export interface StartPage {
  readonly series: readonly number[];
  readonly from: readonly number[];
  readonly times: readonly number[];
  readonly starts: readonly number[];
}

/** @throws PageFormatError */
export function readStartPage(page: Uint8Array): StartPage {
  const input = openIndexPage(page);
  const series: number[] = [];
  const from: number[] = [0];
  const times: number[] = [];
  const starts: number[] = [];
  let number = 0;
  let time = 0;
  let start = 0;
  while (input.at < input.end) {
    number += input.varint();
    series.push(number);
    for (let left = input.count(input.end - input.at, 'steps'); left > 0; left--) {
      time += input.signedVarint();
      start += input.signedVarint();
      times.push(time);
      starts.push(start);
    }
    from.push(times.length);
  }
  return { series, from, times, starts };
}

/** The starts of samples of the i-th series of a page, by index; `undefined` where none has one. */
export function startsAt(page: StartPage, i: number, timestamps: Float64Array): Float64Array | undefined {
  let step = page.from[i]!;
  const end = page.from[i + 1]!;
  const found = new Float64Array(timestamps.length);
  let isKnown = false;
  let start = 0;
  for (let k = 0; k < timestamps.length; k++) {
    while (step < end && page.times[step]! <= timestamps[k]!) start = page.starts[step++]!;
    found[k] = start;
    if (start !== 0) isKnown = true;
  }
  return isKnown ? found : undefined;
}
