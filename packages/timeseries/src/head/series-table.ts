import { compareStrings, type Labels, METRIC_NAME } from '@opendata/promql';
import { ByteTable, MAX_ENTRY_BYTES } from './byte-table.ts';
import { InvalidSeriesError } from './errors.ts';
import { growUint32 } from './growable.ts';
import { createKernelArena, type KernelArena } from './kernel-arena.ts';
import { createLabelRange, readLabel, varintLength, writeLabelHead, writeValueHead } from './label-bytes.ts';
import { LabelIndex } from './label-index.ts';

/** Most labels of one series. */
export const MAX_LABELS_PER_SERIES = 1024;

/** Stands for a series that is not in the table. */
export const UNKNOWN_SERIES = 0xffffffff;

const MAX_CACHED_LABEL_SETS = 200_000;

/**
 * Every series of the head, numbered densely from 0, found by the bytes of its labels as they arrive.
 *
 * A *key* is one byte form under which a series has arrived: the canonical form (see label-bytes.ts), and whatever
 * other order or encoding a sender uses. A key remembers which key followed it last time: senders repeat the order
 * of their scrapes, so nearly every look-up is one comparison of bytes with the predicted key, without hashing.
 */
export class SeriesTable {
  readonly index = new LabelIndex();
  readonly #arena = createKernelArena();
  readonly #keys = new ByteTable(this.#arena);
  /** Series of a key. */
  #keySeries = new Uint32Array(512);
  /** Key that followed a key, + 1; 0 where none did. */
  #keySuccessors = new Uint32Array(512);
  /** Canonical key of a series. */
  #seriesKeys = new Uint32Array(512);
  /** Where the label pairs of a series begin in `#pairs`; they end where the next series' begin. */
  #seriesPairs = new Uint32Array(512);
  #pairs = new Uint32Array(4096);
  #count = 0;
  readonly #labels = new Map<number, Labels>();
  readonly #range = createLabelRange();
  readonly #parsedPairs: number[] = [];
  #canonical = new Uint8Array(4096);

  /** Number of series. */
  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return (
      this.#keys.memoryBytes +
      this.index.memoryBytes +
      this.#keySeries.byteLength * 2 +
      this.#seriesKeys.byteLength * 2 +
      this.#pairs.byteLength
    );
  }

  /**
   * Finds or creates the series whose labels are the byte ranges `[starts[i], ends[i])` of `body`, into `out[i]`.
   * Where a label set is refused, no series is created.
   * @throws InvalidSeriesError naming the first bad label set
   */
  resolve(body: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const view = viewOf(body);
    const unknown = this.#resolveKnown(this.#arena?.load(body) ?? view, starts, ends, count, out);
    if (unknown < 0) return;
    // The kernel's memory may move while series are created.
    const copy = body.buffer === this.#arena?.bodies.memory.buffer ? viewOf(body.slice()) : view;
    this.createUnknown(copy, starts, ends, unknown, count, out);
    // Predict the new ones from now on.
    this.#resolveKnown(copy, starts, ends, count, out);
  }

  /**
   * Creates the series of the label ranges `[starts[i], ends[i])` of `view`, from `first` on, where `out[i]` is
   * `UNKNOWN_SERIES`. Where a label set is refused, no series is created.
   * @throws InvalidSeriesError naming the first bad label set
   */
  createUnknown(
    view: DataView,
    starts: Uint32Array,
    ends: Uint32Array,
    first: number,
    count: number,
    out: Uint32Array,
  ): void {
    for (let i = first; i < count; i++) {
      if (out[i] === UNKNOWN_SERIES) this.#check(view, starts[i]!, ends[i]!);
    }
    for (let i = first; i < count; i++) {
      if (out[i] === UNKNOWN_SERIES) out[i] = this.#create(view, starts[i]!, ends[i]!);
    }
  }

  /** The memory of the keys, where a WebAssembly kernel has them: for `KnownSeries`. */
  get kernelArena(): KernelArena | undefined {
    return this.#arena;
  }

  /** The key with these bytes, or -1. */
  findKey(view: DataView, start: number, end: number): number {
    return this.#keys.find(view, start, end);
  }

  seriesOfKey(key: number): number {
    return this.#keySeries[key]!;
  }

  addressOfKey(key: number): number {
    return this.#keys.addressOf(key);
  }

  /**
   * Finds or creates the series of one label run.
   * @throws InvalidSeriesError
   */
  resolveOne(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const key = this.#keys.find(view, 0, bytes.length);
    if (key >= 0) return this.#keySeries[key]!;
    this.#check(view, 0, bytes.length);
    return this.#create(view, 0, bytes.length);
  }

  /** `resolveOne` for the range `[start, end)` that is canonical and was checked before, as in the journal. */
  resolveChecked(view: DataView, start: number, end: number): number {
    const key = this.#keys.find(view, start, end);
    return key >= 0 ? this.#keySeries[key]! : this.#create(view, start, end);
  }

  /** Labels of a series; the same array for every caller as long as it stays cached. */
  labels(series: number): Labels {
    const cached = this.#labels.get(series);
    if (cached) return cached;
    const labels: string[] = [];
    const end = this.#pairsEnd(series);
    for (let i = this.#seriesPairs[series]!; i < end; i++) {
      labels.push(this.index.nameOf(this.#pairs[i]!), this.index.valueOf(this.#pairs[i]!));
    }
    if (this.#labels.size >= MAX_CACHED_LABEL_SETS) this.#labels.clear();
    this.#labels.set(series, labels);
    return labels;
  }

  /** Calls `visit` with every label pair of a series. */
  forEachPair(series: number, visit: (pair: number) => void): void {
    const end = this.#pairsEnd(series);
    for (let i = this.#seriesPairs[series]!; i < end; i++) visit(this.#pairs[i]!);
  }

  /** The canonical label run of a series. */
  canonicalBytes(series: number): Uint8Array {
    return this.#keys.bytes(this.#seriesKeys[series]!);
  }

  #pairsEnd(series: number): number {
    return this.#seriesPairs[series + 1]!;
  }

  /** Fills in every known series, `UNKNOWN_SERIES` for the others; index of the first unknown one, or -1. */
  #resolveKnown(view: DataView, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): number {
    const keys = this.#keys;
    const successors = this.#keySuccessors;
    const keySeries = this.#keySeries;
    let firstUnknown = -1;
    let previous = -1;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      let key = previous < 0 ? -1 : successors[previous]! - 1;
      if (key < 0 || !keys.equals(key, view, start, end)) {
        key = keys.find(view, start, end);
        if (key < 0) {
          if (firstUnknown < 0) firstUnknown = i;
          out[i] = UNKNOWN_SERIES;
          previous = -1;
          continue;
        }
        if (previous >= 0) successors[previous] = key + 1;
      }
      out[i] = keySeries[key]!;
      previous = key;
    }
    return firstUnknown;
  }

  /** Throws where the labels cannot be a series; changes nothing. */
  #check(view: DataView, start: number, end: number): void {
    if (end - start > MAX_ENTRY_BYTES) {
      throw new InvalidSeriesError(`label set of ${end - start} bytes is over ${MAX_ENTRY_BYTES}`);
    }
    const range = this.#range;
    const names: string[] = [];
    let hasMetricName = false;
    for (let at = start; at < end; at = range.next) {
      readLabel(view, at, end, range);
      this.index.checkPair(view, range);
      if (range.valueStart === range.valueEnd) continue;
      const name = this.index.readName(view, range);
      if (name === METRIC_NAME) hasMetricName = true;
      names.push(name);
    }
    if (names.length > MAX_LABELS_PER_SERIES) {
      throw new InvalidSeriesError(`series with ${names.length} labels, more than ${MAX_LABELS_PER_SERIES}`);
    }
    if (!hasMetricName) throw new InvalidSeriesError('series without a metric name (label __name__)');
    names.sort();
    for (let i = 1; i < names.length; i++) {
      if (names[i] === names[i - 1]) throw new InvalidSeriesError(`label name "${names[i]}" is not unique`);
    }
  }

  /** Creates the series, or the key by which a known series has now arrived. The labels were checked. */
  #create(view: DataView, start: number, end: number): number {
    const known = this.#keys.find(view, start, end);
    if (known >= 0) return this.#keySeries[known]!;
    const pairs = this.#sortedPairs(view, start, end);
    const length = this.#writeCanonical(pairs);
    const canonicalView = new DataView(this.#canonical.buffer, 0, length);
    let key = this.#keys.find(canonicalView, 0, length);
    if (key < 0) {
      key = this.#addKey(canonicalView, 0, length, this.#count);
      this.#addSeries(key, pairs);
    }
    const series = this.#keySeries[key]!;
    // Either this is the canonical form itself, or it becomes an alias.
    if (!this.#keys.equals(key, view, start, end)) this.#addKey(view, start, end, series);
    return series;
  }

  #sortedPairs(view: DataView, start: number, end: number): readonly number[] {
    const { index } = this;
    const range = this.#range;
    const pairs = this.#parsedPairs;
    pairs.length = 0;
    let isSorted = true;
    for (let at = start; at < end; at = range.next) {
      readLabel(view, at, end, range);
      if (range.valueStart === range.valueEnd) continue;
      const pair = index.internPair(view, range);
      if (isSorted && pairs.length > 0 && compareStrings(index.nameOf(pairs.at(-1)!), index.nameOf(pair)) > 0) {
        isSorted = false;
      }
      pairs.push(pair);
    }
    if (!isSorted) pairs.sort((a, b) => compareStrings(index.nameOf(a), index.nameOf(b)));
    return pairs;
  }

  #writeCanonical(pairs: readonly number[]): number {
    let at = 0;
    for (const pair of pairs) {
      const name = this.index.nameBytes(pair);
      const value = this.index.valueBytes(pair);
      const needed = at + name.length + value.length + 3 * (1 + varintLength(MAX_ENTRY_BYTES));
      if (needed > this.#canonical.length) {
        const grown = new Uint8Array(needed * 2);
        grown.set(this.#canonical);
        this.#canonical = grown;
      }
      at = writeLabelHead(this.#canonical, at, name.length, value.length);
      this.#canonical.set(name, at);
      at = writeValueHead(this.#canonical, at + name.length, value.length);
      this.#canonical.set(value, at);
      at += value.length;
    }
    return at;
  }

  #addKey(view: DataView, start: number, end: number, series: number): number {
    const key = this.#keys.intern(view, start, end);
    this.#keySeries = growUint32(this.#keySeries, key + 1);
    this.#keySuccessors = growUint32(this.#keySuccessors, key + 1);
    this.#keySeries[key] = series;
    this.#arena?.setSeries(this.#keys.addressOf(key), series);
    return key;
  }

  #addSeries(key: number, pairs: readonly number[]): void {
    const series = this.#count;
    this.#seriesKeys = growUint32(this.#seriesKeys, series + 1);
    this.#seriesPairs = growUint32(this.#seriesPairs, series + 2);
    const from = this.#seriesPairs[series]!;
    this.#pairs = growUint32(this.#pairs, from + pairs.length);
    for (let i = 0; i < pairs.length; i++) {
      this.#pairs[from + i] = pairs[i]!;
      this.index.addSeries(pairs[i]!, series);
    }
    this.#seriesKeys[series] = key;
    this.#seriesPairs[series + 1] = from + pairs.length;
    this.#count = series + 1;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
