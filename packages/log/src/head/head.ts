import { LogError } from '../errors.ts';
import { EntryReader, entryLength, writeEntry } from '../journal-entry.ts';
import { hashBytes, maxKeyBytes } from '../key-bytes.ts';
import type { AppendColumns } from '../model.ts';
import type { ScanPage } from '../scan-page.ts';
import { ArrivalTimes } from './arrival-times.ts';
import { ByteArena } from './byte-arena.ts';
import { KeyIndex } from './key-index.ts';
import { Postings } from './postings.ts';
import { grownCapacity, grownU32 } from './typed-columns.ts';

/** Says in the length of a body that attributes come before the value. */
const attributesBit = 0x8000_0000;
const bodyLengthBits = 0x7fff_ffff;
const cacheLineBytes = 64;
/** Of longer bodies the processor fetches the rest by itself. */
const touchedBytes = 1024;
/** Where short keys are before the body, bytes. */
const touchedBefore = 32;
/** Records whose keys are looked up side by side. */
const recordsAtOnce = 128;
/** What is known of fewer keys is in the processor's cache anyway. */
const manyKeys = 4096;
/** Room is made at once for so many records and keys at most. */
const mostExpected = 1 << 18;
const initialRecords = 64;

/** Is told of appends to the keys that somebody waits for. */
export interface KeyWatcher {
  /** Number of keys waited for; while it is 0 nothing else is asked. */
  readonly size: number;
  watches(key: Uint8Array): boolean;
  /** A record of `key` was appended. Nobody waits for it any more afterwards. */
  wake(key: Uint8Array): void;
  /** Records were appended. */
  appended(): void;
}

/** Where an entry that is not yet part of the head was written. */
export interface StagedEntry {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly timeMs: number;
}

/**
 * A segment in memory: the journal entries as they are in the journal, one behind the other, and columns that find
 * the records in them. 12 bytes a record and at most 64 a key, beside their bytes.
 */
export class Head {
  readonly segmentId: number;
  readonly startSequence: number;
  readonly keys: KeyIndex;
  readonly postings: Postings;
  readonly times: ArrivalTimes;
  startTimeMs = 0;
  recordCount = 0;
  private readonly arena = new ByteArena();
  private readonly reader = new EntryReader();
  private readonly watcher: KeyWatcher;
  private bodyPositions: Uint32Array;
  private bodyLengths: Uint32Array;
  private keyNumbers: Uint32Array;
  private scratch = new Uint32Array(256);
  /** What {@link touch} read: reads that nobody uses are left out by the compiler. */
  touched = 0;

  /** Of some records of the entry that is added: where their keys are in its chunk, and their hashes. */
  private readonly keyStarts = new Uint32Array(recordsAtOnce);
  private readonly keyEnds = new Uint32Array(recordsAtOnce);
  private readonly hashes = new Uint32Array(recordsAtOnce);

  /**
   * No record of it arrives before `notBeforeMs`, the arrival of the last record of the segment before. It has room for
   * as many records and keys as the one `before` has, as a segment is like the one before: columns that grow are copied.
   */
  constructor(segmentId: number, startSequence: number, watcher: KeyWatcher, notBeforeMs = 0, before?: Head) {
    this.segmentId = segmentId;
    this.startSequence = startSequence;
    this.watcher = watcher;
    this.times = new ArrivalTimes(notBeforeMs);
    const records = Math.max(initialRecords, Math.min(mostExpected, before?.recordCount ?? 0));
    const keys = Math.min(mostExpected, before?.keys.count ?? 0);
    this.bodyPositions = new Uint32Array(records);
    this.bodyLengths = new Uint32Array(records);
    this.keyNumbers = new Uint32Array(records);
    this.keys = new KeyIndex(this.arena, keys);
    this.postings = new Postings(keys);
  }

  get id(): number {
    return this.segmentId;
  }

  /** One past the last sequence. */
  get endSequence(): number {
    return this.startSequence + this.recordCount;
  }

  /** Bytes of keys, values and their framing. */
  get sizeBytes(): number {
    return this.arena.usedBytes;
  }

  /** Bytes of memory held. */
  get allocatedBytes(): number {
    const columns = this.bodyPositions.byteLength + this.bodyLengths.byteLength + this.keyNumbers.byteLength;
    const index = this.keys.allocatedBytes + this.postings.allocatedBytes + this.times.allocatedBytes;
    return this.arena.allocatedBytes + columns + index;
  }

  /** Writes records as a journal entry behind the others. They become part of the head by {@link commit}. */
  stage(records: AppendColumns, nowMs: number): StagedEntry {
    const timeMs = Math.max(nowMs, this.times.lastMs);
    const length = entryLength(records, this.endSequence, timeMs);
    const position = this.arena.reserve(length);
    const chunk = this.arena.chunkAt(position);
    const offset = this.arena.offsetAt(position);
    writeEntry(chunk, offset, records, this.endSequence, timeMs);
    return { bytes: chunk.subarray(offset, offset + length), position, timeMs };
  }

  /** Takes an entry from the journal, byte for byte, as {@link stage} does for records. */
  stageEntry(entry: Uint8Array): StagedEntry {
    const position = this.arena.reserve(entry.length);
    const chunk = this.arena.chunkAt(position);
    const offset = this.arena.offsetAt(position);
    chunk.set(entry, offset);
    return { bytes: chunk.subarray(offset, offset + entry.length), position, timeMs: 0 };
  }

  /**
   * Makes the last staged entry part of the head and wakes those who wait for its keys.
   * @throws LogError corrupt when it does not go on where the head ends; nothing is changed then
   */
  commit(entry: StagedEntry): void {
    const { position, bytes } = entry;
    const chunk = this.arena.chunkAt(position);
    const start = this.arena.offsetAt(position);
    const reader = this.reader;
    reader.open(chunk, start, start + bytes.length);
    if (reader.firstSequence !== this.endSequence) {
      throw new LogError('corrupt', `journal goes on at ${reader.firstSequence} where ${this.endSequence} is next`);
    }
    this.arena.commit(bytes.length);
    this.growRecords(this.recordCount + reader.count);
    if (this.recordCount === 0) this.startTimeMs = reader.timeMs;
    this.times.push(this.recordCount, reader.timeMs);
    const shift = position - start;
    while (this.addRecords(chunk, shift)) {}
    this.watcher.appended();
  }

  /** Adds the next records of the entry that the reader is in; whether there may be more. */
  private addRecords(chunk: Buffer, shift: number): boolean {
    const { reader, keyStarts, keyEnds, hashes, recordCount } = this;
    let count = 0;
    while (count < recordsAtOnce && reader.next()) {
      const record = recordCount + count;
      this.bodyPositions[record] = reader.bodyStart + shift;
      this.bodyLengths[record] = reader.bodyEnd - reader.bodyStart + (reader.hasAttributes ? attributesBit : 0);
      keyStarts[count] = reader.keyStart;
      keyEnds[count] = reader.keyEnd;
      hashes[count++] = hashBytes(chunk, reader.keyStart, reader.keyEnd);
    }
    if (this.keys.count >= manyKeys) this.keys.touchHashes(hashes, count);
    for (let i = 0; i < count; i++) {
      const record = this.recordCount++;
      this.keyNumbers[record] = this.indexKey(chunk, keyStarts[i]!, keyEnds[i]!, shift, record, hashes[i]!);
    }
    return count === recordsAtOnce;
  }

  /** Records of `key` with a sequence in [from, to) are added to `page` until it is full. */
  read(key: Uint8Array, from: number, to: number, page: ScanPage): void {
    const number = this.keys.find(key, 0, key.length);
    if (number < 0) return;
    let ordinal = this.postings.ordinalFrom(number, this.recordAt(from));
    const end = this.postings.ordinalFrom(number, this.recordAt(to));
    while (ordinal < end && !page.isFull) {
      const wanted = Math.min(this.scratch.length, end - ordinal, page.maxRecords - page.count);
      const records = wanted === this.scratch.length ? this.scratch : this.scratch.subarray(0, wanted);
      const copied = this.postings.copyFrom(number, ordinal, records);
      for (let i = 0; i < copied && !page.isFull; i++, ordinal++) this.addTo(page, records[i]!);
    }
  }

  /** The number of the key of the record with this sequence. */
  keyNumberAt(sequence: number): number {
    return this.keyNumbers[sequence - this.startSequence]!;
  }

  /** Adds the record with this sequence, and its key, to `page`. */
  addWithKey(page: ScanPage, sequence: number): void {
    const record = sequence - this.startSequence;
    const key = this.keyNumbers[record]!;
    const start = this.keys.offsetOf(key);
    this.addTo(page, record);
    page.setKey(this.keys.chunkOf(key), start, start + this.keys.lengthOf(key));
  }

  /** Number of records of `key` with a sequence in [from, to). */
  count(key: Uint8Array, from: number, to: number): number {
    const number = this.keys.find(key, 0, key.length);
    if (number < 0) return 0;
    const first = this.postings.ordinalFrom(number, this.recordAt(from));
    return Math.max(0, this.postings.ordinalFrom(number, this.recordAt(to)) - first);
  }

  /** Sequence of the record of `key` that has `back - 1` others between it and `to`; there must be one. */
  sequenceBefore(key: Uint8Array, to: number, back: number): number {
    const number = this.keys.find(key, 0, key.length);
    const record = new Uint32Array(1);
    this.postings.copyFrom(number, this.postings.ordinalFrom(number, this.recordAt(to)) - back, record);
    return this.startSequence + record[0]!;
  }

  get endTimeMs(): number {
    return this.times.lastMs;
  }

  /** The first sequence that arrived at `timeMs` or later. */
  sequenceFromTime(timeMs: number): number | undefined {
    const record = this.times.recordFrom(timeMs);
    return record < 0 ? undefined : this.startSequence + record;
  }

  /** The chunk with the body of `record`, from {@link bodyOffset}. */
  bodyChunk(record: number): Buffer {
    return this.arena.chunkAt(this.bodyPositions[record]!);
  }

  bodyOffset(record: number): number {
    return this.arena.offsetAt(this.bodyPositions[record]!);
  }

  bodyLength(record: number): number {
    return this.bodyLengths[record]! & bodyLengthBits;
  }

  /** Whether attributes come before the value in the body of `record`. */
  hasAttributes(record: number): boolean {
    return this.bodyLengths[record]! >= attributesBit;
  }

  /**
   * Reads a byte of each cache line of these records' bodies, and what is known of their keys, so that the processor
   * fetches them side by side. A key's first record has the key right before its body.
   */
  touch(records: Uint32Array, keys: Uint32Array, count: number): void {
    if (this.keys.count >= manyKeys) this.keys.touchKeys(keys, count);
    const { arena, bodyPositions, bodyLengths } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const record = records[i]!;
      const position = bodyPositions[record]!;
      const chunk = arena.chunkAt(position);
      const start = arena.offsetAt(position);
      const end = start + Math.min(touchedBytes, bodyLengths[record]! & bodyLengthBits);
      for (let at = Math.max(0, start - touchedBefore); at < end; at += cacheLineBytes) sum += chunk[at]!;
    }
    this.touched = sum;
  }

  private addTo(page: ScanPage, record: number): void {
    const position = this.bodyPositions[record]!;
    const offset = this.arena.offsetAt(position);
    const chunk = this.arena.chunkAt(position);
    const end = offset + this.bodyLength(record);
    const timeMs = this.times.timeOf(record);
    if (this.hasAttributes(record)) page.addWithAttributes(this.startSequence + record, timeMs, chunk, offset, end);
    else page.add(this.startSequence + record, timeMs, chunk, offset, end);
  }

  /** The record number of a sequence, held within the head. */
  private recordAt(sequence: number): number {
    return Math.max(0, Math.min(this.recordCount, sequence - this.startSequence));
  }

  private indexKey(chunk: Buffer, start: number, end: number, shift: number, record: number, hash: number): number {
    const known = this.keys.count;
    const key = this.keys.findOrAdd(chunk, start, end, start + shift, hash);
    this.postings.push(key, record);
    if (this.watcher.size > 0) {
      const isNew = key === known;
      if (isNew ? this.watcher.watches(chunk.subarray(start, end)) : this.keys.isWatched(key)) {
        this.keys.setWatched(key, false);
        this.watcher.wake(chunk.subarray(start, end));
      }
    }
    return key;
  }

  private growRecords(needed: number): void {
    if (needed <= this.bodyPositions.length) return;
    const capacity = grownCapacity(this.bodyPositions.length, needed);
    this.bodyPositions = grownU32(this.bodyPositions, capacity);
    this.bodyLengths = grownU32(this.bodyLengths, capacity);
    this.keyNumbers = grownU32(this.keyNumbers, capacity);
  }
}

/** Bytes of all keys and values. @throws LogError invalid_input naming the record that cannot be stored */
export function checkRecords(records: AppendColumns): number {
  let payloadBytes = 0;
  for (let i = 0; i < records.count; i++) {
    const keyLength = records.keyEnd[i]! - records.keyStart[i]!;
    payloadBytes += keyLength + records.valueEnd[i]! - records.valueStart[i]!;
    if (keyLength > maxKeyBytes) {
      throw new LogError(
        'invalid_input',
        `record[${i}]: key has ${keyLength} bytes, at most ${maxKeyBytes} are allowed`,
      );
    }
  }
  return payloadBytes;
}
