import { InvalidSampleError, OverloadedError } from '../head/errors.ts';
import { growInt32, growUint32 } from '../head/growable.ts';
import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';
import { JournalEntryEncoder } from '../journal-entries/encode.ts';
import { startSection } from '../journal-entries/starts.ts';
import { distributeByWindow } from './by-window.ts';
import { IngestTimes } from './ingest-times.ts';
import { definitionsFrom } from './slots.ts';

/** The part of the journal that a writer needs. */
export interface WritableJournal {
  append(lane: number, entry: Uint8Array): number;
  /** All or none. */
  appendAll(entries: readonly { readonly lane: number; readonly entry: Uint8Array }[]): number;
  readonly lastGroup: number;
}

/** Times further than this ahead of the clock are refused, as Prometheus' receiver does. */
export const MAX_AHEAD_MS = 10 * 60 * 1000;
/** So many series get their places in a window at once, in some 3 ms; more of them do so in turns before, with `define`. */
const MOST_DEFINED_AT_ONCE = 2048;
const DEFINED_PER_ENTRY = 512;
/** Largest time, either side of 1970, in ms: what a JavaScript date can show. */
const MAX_TIMESTAMP_MS = 8.64e15;
const MEMORY_CHECK_INTERVAL_MS = 50;
const NO_VALUES = new Float64Array(0);

export interface HeadWriterOptions {
  readonly head: Head;
  readonly journal: WritableJournal;
  /** Bytes of head memory at which writes are refused. */
  readonly budgetBytes: number;
  /** Samples older than this are refused; `undefined`: none is too old. */
  readonly retentionMs: number | undefined;
  readonly now: () => number;
  readonly times?: IngestTimes;
}

/** Columns of float samples: the series' numbers in the head, times in ms, values. */
export interface SampleColumns {
  readonly series: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly count: number;
  /** When the samples' counters began to count, in Unix ms, whole numbers, 0 where nobody says it. */
  readonly starts?: Float64Array | undefined;
}

/** Puts samples into the journal and the head, all of a request or none. */
export class HeadWriter {
  readonly times: IngestTimes;
  readonly #options: HeadWriterOptions;
  readonly #encoder = new JournalEntryEncoder();
  #slots = new Uint32Array(4096);
  #offsets = new Int32Array(4096);
  #memoryBytes = 0;
  #memoryReadAt = Number.NEGATIVE_INFINITY;

  constructor(options: HeadWriterOptions) {
    this.#options = options;
    this.times = options.times ?? new IngestTimes();
  }

  /**
   * Refuses new samples while the head is over its budget.
   * @throws OverloadedError
   */
  admit(): void {
    const { head, budgetBytes, now } = this.#options;
    if (now() - this.#memoryReadAt >= MEMORY_CHECK_INTERVAL_MS) {
      this.#memoryBytes = head.memoryBytes;
      this.#memoryReadAt = now();
    }
    if (this.#memoryBytes >= budgetBytes) {
      throw new OverloadedError(`the head's memory budget is used up: ${this.#memoryBytes} of ${budgetBytes} bytes`);
    }
  }

  /**
   * Gives series their places in the window of their samples, where many have none yet, so that `append` has less to do at
   * once: with journal entries of their own, and a `yield` wherever others may have their turn. Nobody sees series without
   * samples. Samples of several windows and those that cannot be stored are left to `append`.
   * @param series numbers that stay theirs meanwhile
   * @param startMs of the window, as `windowOf` says it
   * @throws what the journal throws
   */
  *define(series: Uint32Array, count: number, startMs: number | undefined): Generator<void, void, void> {
    const { head } = this.#options;
    if (count <= MOST_DEFINED_AT_ONCE || startMs === undefined) return;
    const opened = head.openedWindow(startMs);
    let missing = 0;
    for (let i = 0; i < count; i++) if (opened === undefined || opened.slotOf(series[i]!) < 0) missing++;
    if (missing <= MOST_DEFINED_AT_ONCE) return;
    for (let first = 0; first < count; first += DEFINED_PER_ENTRY) {
      if (first > 0) yield;
      this.defineAtOnce(series.subarray(first, Math.min(count, first + DEFINED_PER_ENTRY)), startMs);
    }
  }

  /** Start of the window that all of these times are in; `undefined` where there is none, or one cannot be stored. */
  windowOf(timestamps: Float64Array, count: number): number | undefined {
    if (count === 0) return undefined;
    const { head } = this.#options;
    const { oldest, newest } = timeRange(timestamps, count);
    if (this.timeFault(oldest, newest) !== undefined) return undefined;
    const startMs = head.windowStart(oldest);
    return head.windowStart(newest) === startMs ? startMs : undefined;
  }

  /** `define` of a few series, for the window that starts at `startMs`. @throws what the journal throws */
  defineAtOnce(series: Uint32Array, startMs: number): void {
    const { head, journal } = this.#options;
    const window = head.openWindow(startMs);
    const known = window.slotCount;
    this.times.begin();
    for (const id of series) if (window.slotOf(id) < 0) window.addSlot(id);
    if (window.slotCount === known) return;
    try {
      const entry = this.#encode(window, known, NO_VALUES, 0, undefined);
      journal.append(window.lane, entry);
      this.times.journalBytes += entry.length;
    } catch (error) {
      this.#undo(window, known);
      throw error;
    }
    this.times.lap('journal');
  }

  /**
   * Adds samples; they are visible to reads at once.
   * @returns the journal's commit group to wait for
   * @throws InvalidSampleError, OverloadedError, and what the journal throws; then nothing was stored
   */
  append(samples: SampleColumns): number {
    const { head, journal } = this.#options;
    const { timestamps, count } = samples;
    if (count === 0) return journal.lastGroup;
    this.admit();
    const { oldest, newest } = timeRange(timestamps, count);
    this.checkTimes(oldest, newest);
    const start = head.windowStart(oldest);
    this.times.begin();
    const isOne = head.windowStart(newest) === start;
    const group = isOne ? this.#appendToWindow(start, samples) : this.#appendToWindows(samples);
    this.times.lap('head');
    return group;
  }

  /** @throws InvalidSampleError where a time, in ms, cannot be stored */
  checkTimes(oldest: number, newest: number): void {
    const fault = this.timeFault(oldest, newest);
    if (fault !== undefined) throw new InvalidSampleError(fault);
  }

  /** Whether all of these times, in ms, can be stored. */
  takesTimes(timestamps: Float64Array, count: number): boolean {
    const { oldest, newest } = timeRange(timestamps, count);
    return count === 0 || this.timeFault(oldest, newest) === undefined;
  }

  /** Why a time between these, in ms, cannot be stored; `undefined` where it can. */
  timeFault(oldest: number, newest: number): string | undefined {
    const { retentionMs, now } = this.#options;
    if (!(oldest >= -MAX_TIMESTAMP_MS && newest <= MAX_TIMESTAMP_MS)) {
      return `timestamp ${newest > MAX_TIMESTAMP_MS ? newest : oldest} is out of range`;
    }
    if (newest > now() + MAX_AHEAD_MS) {
      return `out of bounds: timestamp ${newest} is more than 10 minutes in the future`;
    }
    if (retentionMs !== undefined && oldest < now() - retentionMs) {
      return `out of bounds: timestamp ${oldest} is older than the retention`;
    }
    return undefined;
  }

  #appendToWindow(startMs: number, samples: SampleColumns): number {
    const { head, journal } = this.#options;
    const { series, timestamps, values, count, starts } = samples;
    const window = head.openWindow(startMs);
    const known = window.slotCount;
    this.#reserve(count);
    window.slotsFor(series, count, this.#slots);
    toOffsets(startMs, timestamps, count, this.#offsets);
    let group: number;
    try {
      const entry = this.#encode(window, known, values, count, starts);
      group = journal.append(window.lane, entry);
      this.times.journalBytes += entry.length;
    } catch (error) {
      this.#undo(window, known);
      throw error;
    }
    this.times.lap('journal');
    window.append(this.#slots, this.#offsets, values, count, starts);
    return group;
  }

  /** The rare request that spans windows: an entry for each, in one commit group. */
  #appendToWindows(samples: SampleColumns): number {
    const { head, journal } = this.#options;
    const parts = distributeByWindow(head, samples).map((part) => {
      const window = head.openWindow(part.startMs);
      return { ...part, window, known: window.slotCount };
    });
    const entries: { readonly lane: number; readonly entry: Uint8Array }[] = [];
    let group: number;
    try {
      for (const { window, known, columns } of parts) {
        this.#reserve(columns.count);
        window.slotsFor(columns.series, columns.count, this.#slots);
        toOffsets(window.startMs, columns.timestamps, columns.count, this.#offsets);
        const entry = this.#encode(window, known, columns.values, columns.count, columns.starts).slice();
        entries.push({ lane: window.lane, entry });
      }
      group = journal.appendAll(entries);
      for (const { entry } of entries) this.times.journalBytes += entry.length;
    } catch (error) {
      for (const { window, known } of parts) this.#undo(window, known);
      throw error;
    }
    this.times.lap('journal');
    for (const { window, columns } of parts) {
      this.#reserve(columns.count);
      window.slotsFor(columns.series, columns.count, this.#slots);
      toOffsets(window.startMs, columns.timestamps, columns.count, this.#offsets);
      window.append(this.#slots, this.#offsets, columns.values, columns.count, columns.starts);
    }
    return group;
  }

  #encode(
    window: WindowHead,
    knownSlots: number,
    values: Float64Array,
    count: number,
    starts: Float64Array | undefined,
  ): Uint8Array {
    const definitions = definitionsFrom(this.#options.head.series.keys, window, knownSlots);
    const section = starts && startSection(starts, count);
    return this.#encoder.encode(window, definitions, this.#slots, this.#offsets, values, count, undefined, section);
  }

  #undo(window: WindowHead, knownSlots: number): void {
    window.removeSlotsFrom(knownSlots);
    if (window.slotCount === 0) this.#options.head.drop(window);
  }

  #reserve(count: number): void {
    this.#slots = growUint32(this.#slots, count);
    this.#offsets = growInt32(this.#offsets, count);
  }
}

/** The least and the greatest of times; `oldest` is NaN where one of them is. */
function timeRange(timestamps: Float64Array, count: number): { readonly oldest: number; readonly newest: number } {
  let oldest = timestamps[0]!;
  let newest = oldest;
  let previous = oldest;
  for (let i = 1; i < count; i++) {
    const timestamp = timestamps[i]!;
    if (timestamp === previous) continue;
    previous = timestamp;
    if (timestamp < oldest) oldest = timestamp;
    else if (timestamp > newest) newest = timestamp;
    else if (Number.isNaN(timestamp)) oldest = Number.NaN;
  }
  return { oldest, newest };
}

function toOffsets(startMs: number, timestamps: Float64Array, count: number, offsets: Int32Array): void {
  for (let i = 0; i < count; i++) offsets[i] = timestamps[i]! - startMs;
}
