import { growUint32 } from '../../head/growable.ts';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { type MaybeHistogram, PageReader, PageWriter } from '../codec/index.ts';
import { checkVersion, INDEX_PAGE_VERSION } from './block-format.ts';

/**
 *     page := version u8, runs varint, { distance varint, length varint }, page of samples (see ../codec/page-format.ts)
 *
 * The samples of consecutive series of a slice. The runs say which series: those of the block that have samples in the
 * slice, mostly one run.
 */
export class DataPageWriter {
  readonly #samples = new PageWriter();
  readonly #runs: { readonly first: number; length: number }[] = [];

  get sizeBytes(): number {
    return this.#samples.sizeBytes + this.#runs.length * 3;
  }

  /** Timestamps that a reader of all series decodes. */
  get timestampCount(): number {
    return this.#samples.timestampCount;
  }

  /** First series of the page, where it has one. */
  get first(): number {
    return this.#runs[0]!.first;
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  add(
    series: number,
    timestamps: Float64Array,
    values: Float64Array,
    histograms: readonly MaybeHistogram[] | undefined,
  ): void {
    this.#samples.addSeries(timestamps, values, histograms);
    const last = this.#runs.at(-1);
    if (last !== undefined && last.first + last.length === series) last.length++;
    else this.#runs.push({ first: series, length: 1 });
  }

  /** The page as bytes of its own; the writer begins another. */
  finish(): Uint8Array {
    const head = new ByteWriter(64);
    head.byte(INDEX_PAGE_VERSION);
    head.varint(this.#runs.length);
    let behind = 0;
    for (const { first, length } of this.#runs.splice(0)) {
      head.varint(first - behind);
      head.varint(length);
      behind = first + length;
    }
    const samples = this.#samples.finish();
    const page = new Uint8Array(head.length + samples.length);
    page.set(head.bytes.subarray(0, head.length));
    page.set(samples, head.length);
    return page;
  }
}

export interface DataPage {
  /** The number in the block of every series in the page, ascending. */
  readonly series: Uint32Array;
  readonly samples: PageReader;
}

/** @throws PageFormatError */
export function readDataPage(page: Uint8Array): DataPage {
  const input = new ByteReader(page);
  checkVersion(input);
  let series = new Uint32Array(256);
  let count = 0;
  let next = 0;
  for (let runs = input.count(page.length, 'runs of series'); runs > 0; runs--) {
    next += input.varint();
    const length = input.count(page.length * 2 - count, 'series of a run');
    series = growUint32(series, count + length);
    for (let i = 0; i < length; i++) series[count++] = next++;
  }
  const samples = new PageReader(page.subarray(input.at));
  if (samples.seriesCount !== count) input.fail(`samples of ${samples.seriesCount} series where there are ${count}`);
  return { series: series.slice(0, count), samples };
}
