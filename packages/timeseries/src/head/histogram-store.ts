import type { FloatHistogram } from '@opendata/promql';
import { growUint8 } from './growable.ts';
import { decodeHistogramBytes } from './histogram-bytes.ts';

/**
 * In the columns of samples a histogram stands as this NaN; the histogram itself is in its window's store. So time
 * order, duplicates and overwrites are the columns' business alone: a float that replaces a histogram takes its place
 * in the column, and what the store still has is not asked for any more.
 */
export const HISTOGRAM_MARKER = new Float64Array(1);
const MARKER_LOW = 0x68697374;
const MARKER_HIGH = 0x7ff80048;
const markerWords = new DataView(HISTOGRAM_MARKER.buffer);
markerWords.setUint32(0, MARKER_LOW, true);
markerWords.setUint32(4, MARKER_HIGH, true);

/** Whether a histogram stands at the index, by the value's bits. */
export function isHistogramMarker(values: Float64Array, index: number): boolean {
  if (!Number.isNaN(values[index]!)) return false;
  const view = new DataView(values.buffer, values.byteOffset + index * 8, 8);
  return view.getUint32(4, true) === MARKER_HIGH && view.getUint32(0, true) === MARKER_LOW;
}

/** Bytes of a map's entry and what belongs to it, about. */
const ENTRY_BYTES = 48;

/** The native histograms of one window, by slot and time. */
export class HistogramStore {
  /** Place of a histogram in `#bytes`, by offset in ms, by slot: its length, then its bytes. */
  readonly #bySlot = new Map<number, Map<number, number>>();
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  #count = 0;

  get memoryBytes(): number {
    return this.#bytes.length + this.#count * ENTRY_BYTES;
  }

  has(slot: number): boolean {
    return this.#bySlot.has(slot);
  }

  /** Keeps a histogram (see histogram-bytes.ts) for a time; one that is there already is replaced. */
  set(slot: number, offsetMs: number, histogram: Uint8Array): void {
    let byOffset = this.#bySlot.get(slot);
    if (byOffset === undefined) this.#bySlot.set(slot, (byOffset = new Map()));
    const end = this.#used + 4 + histogram.length;
    if (end > this.#bytes.length) {
      this.#bytes = growUint8(this.#bytes, end) as Uint8Array<ArrayBuffer>;
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#view.setUint32(this.#used, histogram.length, true);
    this.#bytes.set(histogram, this.#used + 4);
    byOffset.set(offsetMs, this.#used);
    this.#used = end;
    this.#count++;
  }

  get(slot: number, offsetMs: number): FloatHistogram | undefined {
    const at = this.#bySlot.get(slot)?.get(offsetMs);
    if (at === undefined) return undefined;
    return decodeHistogramBytes(this.#bytes, at + 4, at + 4 + this.#view.getUint32(at, true));
  }
}
