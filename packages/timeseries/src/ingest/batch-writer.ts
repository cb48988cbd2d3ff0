import type { FloatHistogram } from '@opendata/promql';
import type { Exemplar, ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import { encodeHistogram } from '../head/histogram-bytes.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import type { WindowHead } from '../head/window-head.ts';
import { JournalEntryEncoder, type Section } from '../journal-entries/encode.ts';
import {
  type EncodedExemplar,
  type EncodedHistogram,
  exemplarSection,
  histogramSection,
} from '../journal-entries/sections.ts';
import { startSection } from '../journal-entries/starts.ts';
import { checkWindowCount } from './by-window.ts';
import type { HeadWriter, SampleColumns, WritableJournal } from './head-writer.ts';
import { definitionsFrom, slotFor } from './slots.ts';

export interface HistogramOfSeries {
  readonly series: number;
  readonly timestampMs: number;
  readonly histogram: FloatHistogram;
  /** When its counters began to count, in Unix ms, a whole number; 0 or absent where nobody says it. */
  readonly startMs?: number | undefined;
}

export interface ExemplarOfSeries {
  readonly series: number;
  readonly exemplar: Exemplar;
}

/** What one request brings. */
export interface WriteBatch {
  readonly floats: SampleColumns;
  readonly histograms: readonly HistogramOfSeries[];
  /** Left out are those of series without a sample in the batch or the window of their time, and what the ring refuses. */
  readonly exemplars: readonly ExemplarOfSeries[];
}

export interface BatchResult {
  /** The journal's commit group to wait for. */
  readonly group: number;
  /** How many were kept. */
  readonly exemplars: number;
}

interface Part {
  readonly window: WindowHead;
  /** Slots that the window had before. */
  readonly known: number;
  readonly slots: number[];
  readonly offsets: number[];
  /** Indices of the floats in the batch. */
  readonly floats: number[];
  readonly histograms: EncodedHistogram[];
  readonly histogramStarts: number[];
  readonly exemplars: (EncodedExemplar & ExemplarOfSeries)[];
}

export interface BatchWriterOptions {
  readonly head: Head;
  readonly journal: WritableJournal;
  readonly writer: HeadWriter;
  readonly exemplars: ExemplarRing;
}

/** Puts batches of every kind of sample into the journal and the head, all of a batch or none. */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  readonly #encoder = new JournalEntryEncoder();

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /**
   * Adds a batch; it is visible to reads at once. Where a series has a float and a histogram of one time, the
   * histogram stays.
   * @throws InvalidSampleError, OverloadedError, and what the journal throws; then nothing was stored
   */
  append(batch: WriteBatch): BatchResult {
    const { head, journal, writer, exemplars } = this.#options;
    const { floats, histograms } = batch;
    if (histograms.length === 0 && batch.exemplars.length === 0) return { group: writer.append(floats), exemplars: 0 };
    writer.admit();
    for (let i = 0; i < floats.count; i++) writer.checkTimes(floats.timestamps[i]!, floats.timestamps[i]!);
    for (const { timestampMs } of histograms) writer.checkTimes(timestampMs, timestampMs);
    const parts = new Map<number, Part>();
    writer.times.begin();
    let group: number;
    let kept = 0;
    try {
      this.#distribute(batch, parts);
      const entries = [...parts.values()].map((part) => ({
        lane: part.window.lane,
        entry: this.#encode(part, floats),
      }));
      group = journal.appendAll(entries);
      for (const { entry } of entries) writer.times.journalBytes += entry.length;
    } catch (error) {
      for (const { window, known } of parts.values()) {
        window.removeSlotsFrom(known);
        if (window.slotCount === 0) head.drop(window);
      }
      throw error;
    }
    writer.times.lap('journal');
    for (const part of parts.values()) {
      const { window, slots, offsets } = part;
      const starts = floats.starts && pick(floats.starts, part.floats);
      const values = pick(floats.values, part.floats);
      window.append(Uint32Array.from(slots), Int32Array.from(offsets), values, slots.length, starts);
      for (const [i, { slot, offset, bytes }] of part.histograms.entries()) {
        window.appendHistogram(slot, offset, bytes, part.histogramStarts[i]!);
      }
      for (const { series, exemplar } of part.exemplars) if (exemplars.add(series, exemplar, window.lane)) kept++;
    }
    writer.times.lap('head');
    return { group, exemplars: kept };
  }

  #distribute({ floats, histograms, exemplars }: WriteBatch, parts: Map<number, Part>): void {
    for (let i = 0; i < floats.count; i++) {
      const timestampMs = floats.timestamps[i]!;
      const part = this.#part(parts, timestampMs);
      part.slots.push(slotFor(part.window, floats.series[i]!));
      part.offsets.push(timestampMs - part.window.startMs);
      part.floats.push(i);
    }
    for (const { series, timestampMs, histogram, startMs = 0 } of histograms) {
      const { window, histograms: own, histogramStarts } = this.#part(parts, timestampMs);
      histogramStarts.push(startMs);
      const offset = timestampMs - window.startMs;
      own.push({ slot: slotFor(window, series), offset, bytes: encodeHistogram(histogram) });
    }
    const { exemplars: ring } = this.#options;
    for (const { series, exemplar } of exemplars) {
      if (!ring.accepts(series, exemplar)) continue;
      const window = this.#windowWith(series, exemplar.timestampMs, parts);
      if (window === undefined) continue;
      const slot = window.slotOf(series);
      const { labels, timestampMs, value } = exemplar;
      const part = this.#part(parts, window.startMs);
      part.exemplars.push({ series, exemplar, slot, timestampMs, value, labels: encodeLabels(labels) });
    }
  }

  /** A window that has a slot for the series: one of the batch, else the one of the time. */
  #windowWith(series: number, timestampMs: number, parts: Map<number, Part>): WindowHead | undefined {
    for (const { window } of parts.values()) if (window.slotOf(series) >= 0) return window;
    const { head } = this.#options;
    const window = head.openedWindow(head.windowStart(timestampMs));
    return window !== undefined && window.slotOf(series) >= 0 ? window : undefined;
  }

  #part(parts: Map<number, Part>, timestampMs: number): Part {
    const { head } = this.#options;
    const startMs = head.windowStart(timestampMs);
    let part = parts.get(startMs);
    if (part === undefined) {
      checkWindowCount(head, parts.size + 1);
      const window = head.openWindow(startMs);
      part = {
        window,
        known: window.slotCount,
        slots: [],
        offsets: [],
        floats: [],
        histograms: [],
        histogramStarts: [],
        exemplars: [],
      };
      parts.set(startMs, part);
    }
    return part;
  }

  /** The journal entry of a part, as bytes of its own. */
  #encode(part: Part, { values, starts }: SampleColumns): Uint8Array {
    const { window, known, slots, offsets, histograms, exemplars } = part;
    const allStarts = new Float64Array(slots.length + part.histogramStarts.length);
    if (starts !== undefined) allStarts.set(pick(starts, part.floats));
    allStarts.set(part.histogramStarts, slots.length);
    const sections: Section[] = [];
    if (histograms.length > 0) sections.push(histogramSection(histograms));
    if (exemplars.length > 0) sections.push(exemplarSection(exemplars));
    return this.#encoder
      .encode(
        window,
        definitionsFrom(this.#options.head.series.keys, window, known),
        Uint32Array.from(slots),
        Int32Array.from(offsets),
        pick(values, part.floats),
        slots.length,
        sections,
        startSection(allStarts, allStarts.length),
      )
      .slice();
  }
}

/** The values at the indices, with their exact bits. */
function pick(values: Float64Array, indices: readonly number[]): Float64Array {
  const picked = new Float64Array(indices.length);
  for (let i = 0; i < picked.length; i++) picked[i] = values[indices[i]!]!;
  return picked;
}
