import { compareStrings, type Labels } from '@opendata/promql';
import { ByteTable, MAX_ENTRY_BYTES } from './byte-table.ts';
import { InvalidSeriesError, OverloadedError } from './errors.ts';
import { growUint8 } from './growable.ts';
import { createKernelArena, type KernelArena } from './kernel-arena.ts';
import { KnownLabels } from './known-labels.ts';
import { varintLength, writeLabelHead, writeValueHead } from './label-bytes.ts';
import { LabelIndex } from './label-index.ts';
import { LabelRuns } from './label-runs.ts';
import { PagedWords } from './paged-words.ts';
import { SeriesPairs } from './series-pairs.ts';

/** Most labels of one series. */
export const MAX_LABELS_PER_SERIES = 1024;

/** Stands for a series that is not in the table. */
export const UNKNOWN_SERIES = 0xffffffff;

/** Key of a series that was removed. */
const GONE = 0xffffffff;

/** What two label runs have in common. */
export interface SharedBytes {
  prefix: number;
  suffix: number;
}

const MAX_CACHED_LABEL_SETS = 200_000;
/** Idleness of a series that is about to be forgotten, unless it is asked for before. */
const CONDEMNED = 255;

/**
 * Every series of the head, numbered densely from 0, found by the bytes of its labels as they arrive. Series that are
 * forgotten (see forgetting.ts) give their numbers back.
 *
 * A *key* is one byte form under which a series has arrived: the canonical form (see label-bytes.ts), and whatever
 * other order or encoding a sender uses. A key remembers which key followed it last time: senders repeat the order
 * of their scrapes, so nearly every look-up is one comparison of bytes with the predicted key, without hashing.
 */
export class SeriesTable {
  /** Requests that would bring more series than this are refused. */
  maxCount = Number.POSITIVE_INFINITY;
  readonly index = new LabelIndex();
  readonly #arena = createKernelArena();
  readonly #keys = new ByteTable(this.#arena);
  /** Series of a key. */
  readonly #keySeries = new PagedWords();
  /** Key that followed a key, + 1; 0 where none did. */
  readonly #keySuccessors = new PagedWords();
  /** The next key of the same series, + 1; 0 where there is none. */
  readonly #keySiblings = new PagedWords();
  /** First key of a series: the canonical one. */
  readonly #seriesKeys = new PagedWords();
  readonly #pairs = new SeriesPairs();
  /** For how many rounds of forgetting a series has been without samples in memory. */
  #idleness = new Uint8Array(512);
  #limit = 0;
  #count = 0;
  #created = 0;
  readonly #released: number[] = [];
  readonly #labels = new Map<number, Labels>();
  readonly #knownLabels = this.#arena && new KnownLabels(this.#arena);
  readonly #checkedRuns = new LabelRuns(this.index, false, this.#knownLabels);
  readonly #createdRuns = new LabelRuns(this.index, true, this.#knownLabels);
  #canonical = new Uint8Array(4096);
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
    return (
      this.#keys.memoryBytes +
      this.index.memoryBytes +
      this.#keySeries.memoryBytes * 3 +
      this.#seriesKeys.memoryBytes +
      this.#pairs.memoryBytes +
      this.#idleness.length
    );
  }

  /**
   * Finds or creates the series whose labels are the byte ranges `[starts[i], ends[i])` of `body`, into `out[i]`.
   * Where a label set is refused, no series is created.
   * @throws InvalidSeriesError naming the first bad label set; OverloadedError where there are too many series
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
      this.#check(view, starts[i]!, ends[i]!);
      unknown++;
    }
    this.#admit(unknown);
    let previous = -1;
    for (let i = first; i < count; i++) {
      if (out[i] === UNKNOWN_SERIES) {
        this.#lastKey = -1;
        out[i] = this.#create(view, starts[i]!, ends[i]!);
        if (previous >= 0 && this.#lastKey >= 0) this.#predict(previous, this.#lastKey);
        previous = this.#lastKey;
      } else previous = -1;
    }
  }

  #predict(key: number, successor: number): void {
    this.#keySuccessors.set(key, successor + 1);
    this.#arena?.setSuccessor(this.#keys.addressOf(key), this.#keys.addressOf(successor));
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
    return this.#keySeries.get(key);
  }

  addressOfKey(key: number): number {
    return this.#keys.addressOf(key);
  }

  /**
   * Finds or creates the series of one label run.
   * @throws InvalidSeriesError, OverloadedError
   */
  resolveOne(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const key = this.#keys.find(view, 0, bytes.length);
    if (key < 0) {
      this.#check(view, 0, bytes.length);
      this.#admit(1);
      return this.#create(view, 0, bytes.length);
    }
    const series = this.#keySeries.get(key);
    this.#idleness[series] = 0;
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

  /**
   * How many bytes the canonical label runs of two series share at their beginnings, and then at their ends, into
   * `shared`. @returns false where that has to be found out from the bytes
   */
  sharedBytes(a: number, b: number, shared: SharedBytes): boolean {
    const arena = this.#arena;
    if (arena === undefined) return false;
    const keyA = this.#seriesKeys.get(a);
    const keyB = this.#seriesKeys.get(b);
    const addressA = this.#keys.addressOf(keyA);
    const addressB = this.#keys.addressOf(keyB);
    const lengthA = this.#keys.lengthOf(keyA);
    const lengthB = this.#keys.lengthOf(keyB);
    const shorter = Math.min(lengthA, lengthB);
    shared.prefix = arena.sharedStart(addressA, addressB, shorter);
    shared.suffix = arena.sharedEnd(addressA + lengthA, addressB + lengthB, shorter - shared.prefix);
    return true;
  }

  /** The canonical label run of a series. */
  canonicalBytes(series: number): Uint8Array {
    return this.#keys.bytes(this.#seriesKeys.get(series));
  }

  /**
   * Counts a round in which the series had no samples in memory; once there were enough of them, the series is
   * condemned unless somebody asks for its number before it is removed.
   * @returns whether it is condemned
   */
  addIdleRound(series: number, enough: number): boolean {
    const rounds = Math.min(this.#idleness[series]! + 1, CONDEMNED);
    this.#idleness[series] = rounds >= enough ? CONDEMNED : rounds;
    return rounds >= enough;
  }

  setBusy(series: number): void {
    this.#idleness[series] = 0;
  }

  isCondemned(series: number): boolean {
    return this.#idleness[series] === CONDEMNED;
  }

  /** True for a number that stands for a series. */
  has(series: number): boolean {
    return series < this.#limit && this.#seriesKeys.get(series) !== GONE;
  }

  /**
   * Takes a series out of the table: it is not found any more by its bytes. What it is called can be read until
   * `release`; the index still has it.
   */
  remove(series: number): void {
    this.#createdRuns.forget();
    for (let key = this.#seriesKeys.get(series) + 1; key !== 0; ) {
      const sibling = this.#keySiblings.get(key - 1);
      this.#keys.remove(key - 1);
      this.#keys.release(key - 1);
      key = sibling;
    }
    this.#seriesKeys.set(series, GONE);
    this.#count--;
  }

  /** The number of a removed series may come again: nobody holds it, and the index has it no more. */
  release(series: number): void {
    this.#pairs.release(series);
    this.#labels.delete(series);
    this.#released.push(series);
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
      let key = previous < 0 ? -1 : successors.get(previous) - 1;
      if (key < 0 || !keys.equals(key, view, start, end)) {
        key = keys.find(view, start, end);
        if (key < 0) {
          if (firstUnknown < 0) firstUnknown = i;
          out[i] = UNKNOWN_SERIES;
          previous = -1;
          continue;
        }
        if (previous >= 0) successors.set(previous, key + 1);
      }
      out[i] = keySeries.get(key);
      previous = key;
    }
    return firstUnknown;
  }

  #admit(unknown: number): void {
    if (unknown > 0 && this.#count + unknown > this.maxCount) {
      throw new OverloadedError(
        `the limit of series in memory (head.max_series) is reached: ${this.#count} of ${this.maxCount}`,
      );
    }
  }

  /** Throws where the labels cannot be a series; changes nothing. */
  #check(view: DataView, start: number, end: number): void {
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

  /** Creates the series, or the key by which a known series has now arrived. The labels were checked. */
  #create(view: DataView, start: number, end: number): number {
    const hash = this.#keys.hashOf(view, start, end);
    const known = this.#keys.findHashed(hash, view, start, end);
    if (known >= 0) return this.#keySeries.get(known);
    const run = this.#createdRuns;
    run.read(view, start, end);
    if (run.isCanonical) return this.#addSeries(hash, view, start, end, run.pairs);
    const pairs = this.#sorted(run.pairs);
    const length = this.#writeCanonical(pairs);
    const canonicalView = new DataView(this.#canonical.buffer, 0, length);
    const canonicalHash = this.#keys.hashOf(canonicalView, 0, length);
    const key = this.#keys.findHashed(canonicalHash, canonicalView, 0, length);
    const series =
      key >= 0 ? this.#keySeries.get(key) : this.#addSeries(canonicalHash, canonicalView, 0, length, pairs);
    this.#idleness[series] = 0;
    const canonical = this.#seriesKeys.get(series);
    const alias = this.#addKey(hash, view, start, end, series);
    this.#keySiblings.set(alias, this.#keySiblings.get(canonical));
    this.#keySiblings.set(canonical, alias + 1);
    return series;
  }

  /** In the order of their names, without the labels that have no value. */
  #sorted(pairs: readonly number[]): readonly number[] {
    const { index } = this;
    return pairs.filter((pair) => pair >= 0).sort((a, b) => compareStrings(index.nameOf(a), index.nameOf(b)));
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

  #addKey(hash: number, view: DataView, start: number, end: number, series: number): number {
    const key = this.#keys.addHashed(hash, view, start, end);
    this.#keySeries.reserve(key + 1);
    this.#keySuccessors.reserve(key + 1);
    this.#keySiblings.reserve(key + 1);
    this.#keySeries.set(key, series);
    this.#keySuccessors.set(key, 0);
    this.#keySiblings.set(key, 0);
    this.#lastKey = key;
    this.#arena?.setSeries(this.#keys.addressOf(key), series);
    return key;
  }

  #addSeries(hash: number, view: DataView, start: number, end: number, pairs: readonly number[]): number {
    const series = this.#released.pop() ?? this.#limit++;
    this.#seriesKeys.reserve(series + 1);
    this.#idleness = growUint8(this.#idleness, series + 1);
    this.#seriesKeys.set(series, this.#addKey(hash, view, start, end, series));
    this.#idleness[series] = 0;
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
