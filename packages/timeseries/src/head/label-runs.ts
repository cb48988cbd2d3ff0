import { compareStrings, METRIC_NAME } from '@opendata/promql';
import { equalBytes } from './byte-arena.ts';
import { EMPTY, type KnownLabels, METRIC, PLAIN } from './known-labels.ts';
import { createLabelRange, type LabelRange, readLabel, varintLength } from './label-bytes.ts';
import type { LabelIndex } from './label-index.ts';

const MEMO_SLOTS = 64;
/** Labels with longer messages are read anew in every run. */
const MEMO_MESSAGE_BYTES = 127;
const MEMO_BYTES = 256;

/**
 * Reads label runs (see label-bytes.ts) one after the other. Neighbours share most of their labels, so a label that is
 * byte for byte the one of its name that came last is not looked up again. Runs in the memory of a WebAssembly kernel
 * are read by `KnownLabels`, which knows more labels, unless their names do not ascend or one is very long.
 */
export class LabelRuns {
  /** Its pairs in the order of the bytes; -1 for labels with an empty value, and where a pair is not interned. */
  readonly pairs: number[] = [];
  /** Its labels with a value. */
  valueCount = 0;
  hasMetricName = false;
  /** True where every name is greater than the one before. */
  isAscending = true;
  /** True where the bytes are the canonical form. */
  isCanonical = true;
  readonly #index: LabelIndex;
  readonly #interns: boolean;
  readonly #known: KnownLabels | undefined;
  readonly #names: string[] = [];
  /** The run that was read last, where its names are not known. */
  #unnamed: { readonly view: DataView; readonly start: number; readonly end: number } | undefined;
  readonly #range = createLabelRange();
  /** Whether the label of the run has a value. */
  readonly #valued: boolean[] = [];
  /** What is known of the label in a slot, whose bytes have a place of MEMO_BYTES; length 0 where there is none. */
  readonly #memo = new DataView(new ArrayBuffer(MEMO_SLOTS * MEMO_BYTES));
  readonly #lengths = new Uint32Array(MEMO_SLOTS + 1);
  readonly #flags = new Uint8Array(MEMO_SLOTS + 1);
  readonly #slotNames: string[] = new Array(MEMO_SLOTS + 1).fill('');
  readonly #slotPairs = new Int32Array(MEMO_SLOTS + 1);
  /** A name that is smaller than the slot's. */
  readonly #smallerNames: (string | undefined)[] = new Array(MEMO_SLOTS + 1).fill(undefined);

  /** @param interns whether new pairs are added to the index; otherwise nothing is changed there */
  constructor(index: LabelIndex, interns: boolean, known?: KnownLabels) {
    this.#index = index;
    this.#interns = interns;
    this.#known = known;
  }

  /** To be called before a pair of the index is removed. */
  forget(): void {
    this.#lengths.fill(0);
    this.#known?.forget();
  }

  /** @throws InvalidSeriesError where the bytes are not labels, a name is empty, or something is not UTF-8 */
  read(view: DataView, start: number, end: number): void {
    if (this.#known?.has(view) && this.#readKnown(this.#known, view, start, end)) return;
    this.#readPlainly(view, start, end);
  }

  /** @returns false where the run is not for the kernel */
  #readKnown(known: KnownLabels, view: DataView, start: number, end: number): boolean {
    let at = known.begin(view, start, end, this.#interns);
    while (at < end) {
      const range = this.#range;
      readLabel(view, at, end, range);
      const pair = this.#lookUp(view, range);
      if (!known.add(view, at, range, pair, flagsOf(view, at, range))) return false;
      const next = known.read(view, at, range.next, this.#interns);
      if (next !== range.next) return false;
      at = known.read(view, next, end, this.#interns);
    }
    if (!known.isAscending) return false;
    const { count } = known;
    const { pairs } = this;
    for (let i = 0; i < count; i++) pairs[i] = known.pairs[i]!;
    if (pairs.length !== count) pairs.length = count;
    this.valueCount = known.valueCount;
    this.hasMetricName = (known.anyFlags & METRIC) !== 0;
    this.isAscending = true;
    this.isCanonical = known.valueCount === count && (known.allFlags & PLAIN) !== 0;
    this.#unnamed = { view, start, end };
    return true;
  }

  /** The label's pair, or -1. @throws InvalidSeriesError */
  #lookUp(view: DataView, range: LabelRange): number {
    const index = this.#index;
    const hasValue = range.valueStart !== range.valueEnd;
    return this.#interns && hasValue ? index.internPair(view, range) : index.checkPair(view, range);
  }

  #readPlainly(view: DataView, start: number, end: number): void {
    const { pairs } = this;
    const names = this.#names;
    this.#unnamed = undefined;
    this.valueCount = 0;
    this.hasMetricName = false;
    this.isAscending = true;
    let isPlain = true;
    let count = 0;
    let name: string | undefined;
    for (let at = start; at < end; count++) {
      const slot = slotOf(view, at, end);
      const length = this.#lengths[slot]!;
      const isRepeated =
        length > 0 && length <= end - at && equalBytes(this.#memo, slot * MEMO_BYTES, view, at, length);
      at = isRepeated ? at + length : this.#readLabel(slot, view, at, end);
      const before = name;
      name = this.#slotNames[slot]!;
      if (before !== undefined && before !== this.#smallerNames[slot]) {
        if (compareStrings(before, name) < 0) this.#smallerNames[slot] = before;
        else this.isAscending = false;
      }
      const flags = this.#flags[slot]!;
      names[count] = name;
      pairs[count] = this.#slotPairs[slot]!;
      this.#valued[count] = (flags & EMPTY) === 0;
      if ((flags & PLAIN) === 0) isPlain = false;
      if ((flags & EMPTY) === 0) {
        this.valueCount++;
        if ((flags & METRIC) !== 0) this.hasMetricName = true;
      }
    }
    names.length = count;
    pairs.length = count;
    this.isCanonical = isPlain && this.isAscending && this.valueCount === count;
  }

  /** Names of the run that was read last, those of labels with an empty value included; its bytes must be there still. */
  get names(): readonly string[] {
    if (this.#unnamed !== undefined) this.#readPlainly(this.#unnamed.view, this.#unnamed.start, this.#unnamed.end);
    return this.#names;
  }

  /** A label name that occurs twice among those with a value, or `undefined`. */
  repeatedName(): string | undefined {
    if (this.isAscending) return undefined;
    const sorted = this.#names.filter((_name, i) => this.#valued[i]).sort();
    return sorted.find((name, i) => i > 0 && name === sorted[i - 1]);
  }

  /** Reads the label at `at` into a slot and returns the position behind it. */
  #readLabel(slot: number, view: DataView, at: number, end: number): number {
    const range = this.#range;
    this.#lengths[slot] = 0;
    readLabel(view, at, end, range);
    const index = this.#index;
    const pair = this.#lookUp(view, range);
    const name = pair < 0 ? index.nameIn(view, range) : index.nameOf(pair);
    this.#slotPairs[slot] = pair;
    if (name !== this.#slotNames[slot]) this.#smallerNames[slot] = undefined;
    this.#slotNames[slot] = name;
    const size = range.next - at;
    this.#flags[slot] = flagsOf(view, at, range);
    if (slot < MEMO_SLOTS) {
      for (let k = 0; k < size; k++) this.#memo.setUint8(slot * MEMO_BYTES + k, view.getUint8(at + k));
      this.#lengths[slot] = size;
    }
    return range.next;
  }
}

function flagsOf(view: DataView, at: number, range: LabelRange): number {
  const isPlain = range.nameStart < range.valueStart && range.next - at === plainLength(range);
  return (
    (range.valueStart === range.valueEnd ? EMPTY : 0) | (isPlain ? PLAIN : 0) | (isMetricName(view, range) ? METRIC : 0)
  );
}

function isMetricName(view: DataView, { nameStart, nameEnd }: LabelRange): boolean {
  if (nameEnd - nameStart !== METRIC_NAME.length) return false;
  for (let i = 0; i < METRIC_NAME.length; i++) {
    if (view.getUint8(nameStart + i) !== METRIC_NAME.charCodeAt(i)) return false;
  }
  return true;
}

/** By the label's name, where it comes first; MEMO_SLOTS for labels that are not kept. */
function slotOf(view: DataView, at: number, end: number): number {
  if (end - at < 5 || view.getUint8(at + 1) > MEMO_MESSAGE_BYTES) return MEMO_SLOTS;
  const nameLength = view.getUint8(at + 3);
  const last = at + 3 + nameLength;
  if (last >= end) return MEMO_SLOTS;
  const mixed = Math.imul(nameLength, 37) + Math.imul(view.getUint8(at + 4), 7) + Math.imul(view.getUint8(last), 3);
  return mixed & (MEMO_SLOTS - 1);
}

/** Bytes of a label in the shortest encoding. */
function plainLength({ nameStart, nameEnd, valueStart, valueEnd }: LabelRange): number {
  const name = nameEnd - nameStart;
  const value = valueEnd - valueStart;
  const message = 2 + varintLength(name) + name + varintLength(value) + value;
  return 1 + varintLength(message) + message;
}
