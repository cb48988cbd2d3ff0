import { isUtf8 } from 'node:buffer';
import { copyBytes } from './byte-arena.ts';
import { ByteTable } from './byte-table.ts';
import { InvalidSeriesError } from './errors.ts';
import { IdLists } from './id-lists.ts';
import type { LabelRange } from './label-bytes.ts';
import { PagedWords } from './paged-words.ts';

const decoder = new TextDecoder();

/**
 * Label names, label pairs (a name with a value) and who has them: both are interned as bytes and numbered densely,
 * and each pair has the list of the series that carry it. Strings are made when somebody asks. A pair that no series
 * carries any more is removed, and a name without pairs; their numbers come again once they are released.
 */
export class LabelIndex {
  readonly #names = new ByteTable();
  readonly #nameStrings: string[] = [];
  readonly #nameIds = new Map<string, number>();
  /** Pair bytes: name id (4 bytes), then the value. */
  readonly #pairs = new ByteTable();
  readonly #pairNames = new PagedWords();
  #pairCount = 0;
  readonly #valueStrings: (string | undefined)[] = [];
  readonly #pairsOfName = new IdLists();
  readonly #seriesOfPair = new IdLists();
  #scratch = new DataView(new ArrayBuffer(4096));
  #scratchLength = 0;
  #scratchHash = 0;

  /** Pairs that there are. */
  get pairCount(): number {
    return this.#pairCount;
  }

  /** Every number of a pair is below. */
  get pairLimit(): number {
    return this.#pairs.limit;
  }

  get memoryBytes(): number {
    return (
      this.#names.memoryBytes +
      this.#pairs.memoryBytes +
      this.#pairNames.memoryBytes +
      this.#pairsOfName.memoryBytes +
      this.#seriesOfPair.memoryBytes +
      this.#pairs.limit * 8
    );
  }

  /**
   * Number of the pair, new or known.
   * @throws InvalidSeriesError where name or value is not UTF-8, or the name is empty
   */
  internPair(view: DataView, range: LabelRange): number {
    const nameId = this.#internName(view, range);
    const known = this.#findPair(nameId, view, range);
    if (known >= 0) return known;
    checkUtf8(view, range.valueStart, range.valueEnd, 'label value');
    const id = this.#pairs.addHashed(this.#scratchHash, this.#scratch, 0, this.#scratchLength);
    this.#pairNames.reserve(id + 1);
    this.#pairNames.set(id, nameId);
    this.#valueStrings[id] = undefined;
    this.#pairCount++;
    this.#pairsOfName.append(nameId, id);
    return id;
  }

  /**
   * Number of the pair, or -1 where it is not there: nothing is interned.
   * @throws InvalidSeriesError as `internPair` does
   */
  checkPair(view: DataView, range: LabelRange): number {
    if (range.nameStart === range.nameEnd) throw new InvalidSeriesError('label name is empty');
    const nameId = this.#names.find(view, range.nameStart, range.nameEnd);
    const known = nameId < 0 ? -1 : this.#findPair(nameId, view, range);
    if (known >= 0) return known;
    if (nameId < 0) checkUtf8(view, range.nameStart, range.nameEnd, 'label name');
    checkUtf8(view, range.valueStart, range.valueEnd, 'label value');
    return -1;
  }

  /** The name of a label, known or not. */
  nameIn(view: DataView, range: LabelRange): string {
    const nameId = this.#names.find(view, range.nameStart, range.nameEnd);
    if (nameId >= 0) return this.#nameStrings[nameId]!;
    return decoder.decode(
      new Uint8Array(view.buffer, view.byteOffset + range.nameStart, range.nameEnd - range.nameStart),
    );
  }

  addSeries(pair: number, series: number): void {
    this.#seriesOfPair.append(pair, series);
  }

  /** Number of a label name, or -1. */
  nameId(name: string): number {
    return this.#nameIds.get(name) ?? -1;
  }

  nameOf(pair: number): string {
    return this.#nameStrings[this.#pairNames.get(pair)]!;
  }

  valueOf(pair: number): string {
    return (this.#valueStrings[pair] ??= decoder.decode(this.#pairs.bytes(pair).subarray(4)));
  }

  /** `valueOf` without keeping the string. */
  decodeValue(pair: number): string {
    return this.#valueStrings[pair] ?? decoder.decode(this.#pairs.bytes(pair).subarray(4));
  }

  /** Bytes of a pair's name and value. */
  nameBytes(pair: number): Uint8Array {
    return this.#names.bytes(this.#pairNames.get(pair));
  }

  valueBytes(pair: number): Uint8Array {
    return this.#pairs.bytes(pair).subarray(4);
  }

  nameIdOf(pair: number): number {
    return this.#pairNames.get(pair);
  }

  /** Every label name, in order of arrival. */
  names(): string[] {
    return [...this.#nameIds.keys()];
  }

  /** Number of the pair `name="value"`, or -1. */
  pairId(name: string, value: string): number {
    const nameId = this.nameId(name);
    if (nameId < 0) return -1;
    const bytes = Buffer.from(value);
    const range = { nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: bytes.length, next: 0 };
    return this.#findPair(nameId, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), range);
  }

  /** Every pair of a name, ascending. */
  pairsOfName(name: string): Uint32Array {
    const nameId = this.nameId(name);
    return nameId < 0 ? new Uint32Array(0) : this.#pairsOfName.toArray(nameId);
  }

  seriesCount(pair: number): number {
    return this.#seriesOfPair.count(pair);
  }

  /** Series that carry the pair, ascending. */
  seriesOf(pair: number): Uint32Array {
    return this.#seriesOfPair.toArray(pair);
  }

  /** True where `test` holds for a series that carries the pair; stops at the first. */
  someSeriesOf(pair: number, test: (series: number) => boolean): boolean {
    return this.#seriesOfPair.some(pair, test);
  }

  markSeriesOf(pair: number, marks: Uint8Array): void {
    this.#seriesOfPair.mark(pair, marks);
  }

  /**
   * Takes series out of a pair's list, and the pair out of the table where it was carried by no other: it is not found
   * any more, but can be read until `releasePair`.
   * @param marks 1 for each series that goes
   * @returns whether the pair has gone
   */
  removeSeries(pair: number, marks: Uint8Array): boolean {
    if (this.#seriesOfPair.removeMarked(pair, marks) > 0) return false;
    this.#pairs.remove(pair);
    this.#pairCount--;
    return true;
  }

  /**
   * Takes pairs that have gone out of the list of their name, and the name with the last of them.
   * @param marks 1 for each pair that goes
   * @returns whether the name has gone: then `releaseName` is due too
   */
  removePairs(nameId: number, marks: Uint8Array): boolean {
    if (this.#pairsOfName.removeMarked(nameId, marks) > 0) return false;
    this.#names.remove(nameId);
    this.#nameIds.delete(this.#nameStrings[nameId]!);
    return true;
  }

  /** The number of a pair that has gone may come again: nobody holds it. */
  releasePair(pair: number): void {
    this.#pairs.release(pair);
    this.#valueStrings[pair] = undefined;
  }

  releaseName(nameId: number): void {
    this.#names.release(nameId);
    this.#nameStrings[nameId] = '';
  }

  #internName(view: DataView, range: LabelRange): number {
    if (range.nameStart === range.nameEnd) throw new InvalidSeriesError('label name is empty');
    const known = this.#names.find(view, range.nameStart, range.nameEnd);
    if (known >= 0) return known;
    checkUtf8(view, range.nameStart, range.nameEnd, 'label name');
    const id = this.#names.intern(view, range.nameStart, range.nameEnd);
    const name = decoder.decode(this.#names.bytes(id));
    this.#nameStrings[id] = name;
    this.#nameIds.set(name, id);
    return id;
  }

  /** Puts the pair's bytes into the scratch buffer and looks them up. */
  #findPair(nameId: number, view: DataView, range: LabelRange): number {
    const valueLength = range.valueEnd - range.valueStart;
    const length = 4 + valueLength;
    if (length > this.#scratch.byteLength) this.#scratch = new DataView(new ArrayBuffer(length * 2));
    const scratch = this.#scratch;
    scratch.setUint32(0, nameId, true);
    copyBytes(view, range.valueStart, valueLength, scratch, 4);
    this.#scratchLength = length;
    this.#scratchHash = this.#pairs.hashOf(scratch, 0, length);
    return this.#pairs.findHashed(this.#scratchHash, scratch, 0, length);
  }
}

function checkUtf8(view: DataView, start: number, end: number, what: string): void {
  if (!isUtf8(new Uint8Array(view.buffer, view.byteOffset + start, end - start))) {
    throw new InvalidSeriesError(`${what} is not valid UTF-8`);
  }
}
