import type { Labels } from '@opendata/promql';
import { MAX_ENTRY_BYTES } from './byte-table.ts';
import { CanonicalLabels } from './canonical-labels.ts';
import { InvalidSeriesError, OverloadedError } from './errors.ts';
import { KnownLabels } from './known-labels.ts';
import { LabelIndex } from './label-index.ts';
import { LabelRuns } from './label-runs.ts';
import { SeriesIdleness } from './series-idleness.ts';
import { SeriesKeys, UNKNOWN_SERIES } from './series-keys.ts';
import { SeriesPairs } from './series-pairs.ts';

/** Most labels of one series. */
const MAX_LABELS_PER_SERIES = 1024;

const MAX_CACHED_LABEL_SETS = 200_000;

/**
 * Every series of the head, numbered densely from 0, found by the bytes of its labels as they arrive (see
 * series-keys.ts). Series that are forgotten (see forgetting.ts) give their numbers back.
 */
export class SeriesTable {
  /** Requests that would bring more series than this are refused. */
  maxCount = Number.POSITIVE_INFINITY;
  readonly index = new LabelIndex();
  readonly keys = new SeriesKeys();
  readonly idleness = new SeriesIdleness();
  readonly #pairs = new SeriesPairs();
  #limit = 0;
  #count = 0;
  #reserved = 0;
  #created = 0;
  readonly #released: number[] = [];
  readonly #labels = new Map<number, Labels>();
  readonly #knownLabels = this.keys.arena && new KnownLabels(this.keys.arena);
  readonly #checkedRuns = new LabelRuns(this.index, false, this.#knownLabels);
  readonly #createdRuns = new LabelRuns(this.index, true, this.#knownLabels);
  readonly #canonical = new CanonicalLabels(this.index);
  /** The key that was added last. */
  #lastKey = -1;

  /** Number of series. */
  get count(): number {
    return this.#count;
  }

  /** Every series' number is below. */
  get limit(): number {
    return this.#limit;
  }

  /** Series created so far, those that were forgotten since included. */
  get created(): number {
    return this.#created;
  }

  get memoryBytes(): number {
    return this.keys.memoryBytes + this.index.memoryBytes + this.#pairs.memoryBytes + this.idleness.memoryBytes;
  }

  /**
   * Finds or creates the series whose labels are the byte ranges `[starts[i], ends[i])` of `body`, into `out[i]`.
   * Where a label set is refused, no series is created.
   * @throws InvalidSeriesError naming the first bad label set; OverloadedError where there are too many series
   */
  resolve(body: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const { keys } = this;
    const view = viewOf(body);
    const unknown = keys.resolve(keys.arena?.load(body) ?? view, starts, ends, count, out);
    if (unknown < 0) return;
    // The kernel's memory may move while series are created.
    const copy = body.buffer === keys.arena?.buffer ? viewOf(body.slice()) : view;
    this.createUnknown(copy, starts, ends, unknown, count, out);
    // Predict the new ones from now on.
    keys.resolve(copy, starts, ends, count, out);
  }

  /**
   * Creates the series of the label ranges `[starts[i], ends[i])` of `view`, from `first` on, where `out[i]` is
   * `UNKNOWN_SERIES`. Where a label set is refused, no series is created.
   * @throws InvalidSeriesError naming the first bad label set; OverloadedError where there are too many series
   */
  createUnknown(
    view: DataView,
    starts: Uint32Array,
    ends: Uint32Array,
    first: number,
    count: number,
    out: Uint32Array,
  ): void {
    let unknown = 0;
    for (let i = first; i < count; i++) {
      if (out[i] !== UNKNOWN_SERIES) continue;
      this.check(view, starts[i]!, ends[i]!);
      unknown++;
    }
    this.#admit(unknown);
    this.#createChecked(view, starts, ends, first, count, out);
  }

  /**
   * Creates the series of label ranges that were checked and that `reserve` has made room for.
   * @returns their numbers
   * @throws OverloadedError where the labels of all series would take over 4 GiB
   */
  createReserved(view: DataView, starts: Uint32Array, ends: Uint32Array, count: number): Uint32Array {
    const series = new Uint32Array(count).fill(UNKNOWN_SERIES);
    this.#createChecked(view, starts, ends, 0, count, series);
    return series;
  }

  /**
   * Keeps room for so many series from others, until the same is given back with `unreserve`.
   * @throws OverloadedError where there are too many series
   */
  reserve(count: number): void {
    this.#admit(count);
    this.#reserved += count;
  }

  unreserve(count: number): void {
    this.#reserved -= count;
  }

  /**
   * Finds or creates the series of one label run.
   * @throws InvalidSeriesError, OverloadedError
   */
  resolveOne(bytes: Uint8Array): number {
    const view = viewOf(bytes);
    const key = this.keys.find(view, 0, bytes.length);
    if (key < 0) {
      this.check(view, 0, bytes.length);
      this.#admit(1);
      return this.#create(view, 0, bytes.length);
    }
    const series = this.keys.seriesOf(key);
    this.idleness.setBusy(series);
    return series;
  }

  /** `resolveOne` for the range `[start, end)` that is canonical and was checked before, as in the journal. */
  resolveChecked(view: DataView, start: number, end: number): number {
    return this.#create(view, start, end);
  }

  /** Labels of a series; the same array for every caller as long as it stays cached. */
  labels(series: number): Labels {
    const cached = this.#labels.get(series);
    if (cached) return cached;
    const labels: string[] = [];
    this.#pairs.forEach(series, (pair) => labels.push(this.index.nameOf(pair), this.index.valueOf(pair)));
    if (this.#labels.size >= MAX_CACHED_LABEL_SETS) this.#labels.clear();
    this.#labels.set(series, labels);
    return labels;
  }

  /** Calls `visit` with every label pair of a series. */
  forEachPair(series: number, visit: (pair: number) => void): void {
    this.#pairs.forEach(series, visit);
  }

  /** True for a number that stands for a series. */
  has(series: number): boolean {
    return series < this.#limit && this.keys.has(series);
  }

  /**
   * Takes a series out of the table: it is not found any more by its bytes. What it is called can be read until
   * `release`; the index still has it.
   */
  remove(series: number): void {
    this.#createdRuns.forget();
    this.keys.remove(series);
    this.#count--;
  }

  /** The number of a removed series may come again: nobody holds it, and the index has it no more. */
  release(series: number): void {
    this.#pairs.release(series);
    this.#labels.delete(series);
    this.#released.push(series);
  }

  #admit(unknown: number): void {
    const taken = this.#count + this.#reserved;
    if (unknown > 0 && taken + unknown > this.maxCount) {
      throw new OverloadedError(
        `the limit of series in memory (head.max_series) is reached: ${taken} of ${this.maxCount}`,
      );
    }
  }

  /**
   * Changes nothing.
   * @throws InvalidSeriesError where the labels `[start, end)` cannot be a series
   */
  check(view: DataView, start: number, end: number): void {
    if (end - start > MAX_ENTRY_BYTES) {
      throw new InvalidSeriesError(`label set of ${end - start} bytes is over ${MAX_ENTRY_BYTES}`);
    }
    const run = this.#checkedRuns;
    run.read(view, start, end);
    if (run.valueCount > MAX_LABELS_PER_SERIES) {
      throw new InvalidSeriesError(`series with ${run.valueCount} labels, more than ${MAX_LABELS_PER_SERIES}`);
    }
    if (!run.hasMetricName) throw new InvalidSeriesError('series without a metric name (label __name__)');
    const repeated = run.repeatedName();
    if (repeated !== undefined) throw new InvalidSeriesError(`label name "${repeated}" is not unique`);
  }

  #createChecked(
    view: DataView,
    starts: Uint32Array,
    ends: Uint32Array,
    first: number,
    count: number,
    out: Uint32Array,
  ): void {
    let previous = -1;
    for (let i = first; i < count; i++) {
      if (out[i] === UNKNOWN_SERIES) {
        this.#lastKey = -1;
        out[i] = this.#create(view, starts[i]!, ends[i]!);
        if (previous >= 0 && this.#lastKey >= 0) this.keys.predict(previous, this.#lastKey);
        previous = this.#lastKey;
      } else previous = -1;
    }
  }

  /** Creates the series, or the key by which a known series has now arrived. The labels were checked. */
  #create(view: DataView, start: number, end: number): number {
    const { keys } = this;
    const hash = keys.hashOf(view, start, end);
    const known = keys.findHashed(hash, view, start, end);
    if (known >= 0) return keys.seriesOf(known);
    const run = this.#createdRuns;
    run.read(view, start, end);
    if (run.isCanonical) return this.#addSeries(hash, view, start, end, run.pairs);
    const pairs = this.#canonical.sorted(run.pairs);
    const canonical = this.#canonical.write(pairs);
    const length = canonical.byteLength;
    const canonicalHash = keys.hashOf(canonical, 0, length);
    const key = keys.findHashed(canonicalHash, canonical, 0, length);
    const series = key >= 0 ? keys.seriesOf(key) : this.#addSeries(canonicalHash, canonical, 0, length, pairs);
    this.idleness.setBusy(series);
    this.#lastKey = keys.addAlias(hash, view, start, end, series);
    return series;
  }

  #addSeries(hash: number, view: DataView, start: number, end: number, pairs: readonly number[]): number {
    const series = this.#released.at(-1) ?? this.#limit;
    // Throws where there is no room, before anything is changed.
    this.#lastKey = this.keys.add(hash, view, start, end, series);
    if (series === this.#limit) this.#limit++;
    else this.#released.pop();
    this.idleness.reserve(series + 1);
    this.idleness.setBusy(series);
    this.#pairs.set(series, pairs);
    for (const pair of pairs) this.index.addSeries(pair, series);
    this.#count++;
    this.#created++;
    return series;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
