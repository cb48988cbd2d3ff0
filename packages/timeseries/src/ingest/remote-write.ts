import { createSnappyUncompressor, createWriteRequestDecoder, type WriteRequestColumns } from '@opendata/wire';
import { growUint32 } from '../head/growable.ts';
import type { Head } from '../head/head.ts';
import { createKnownSeries } from '../head/known-series.ts';
import type { BatchWriter, WriteBatch } from './batch-writer.ts';
import type { HeadWriter, SampleColumns } from './head-writer.ts';
import { nameRefusal } from './name-refusal.ts';
import { createInTurns, MOST_NEW_AT_ONCE, manyNewSeries, type NewSeries } from './new-series.ts';
import { requestExemplar, requestHistogram, withStaleMarkers } from './request-extras.ts';

/** Header and padding of a key in the kernel's memory; a series has two keys at most that a request can add. */
const KEY_OVERHEAD_BYTES = 16;

export interface RemoteWriteResult {
  /** The journal's commit group to wait for. */
  readonly group: number;
  /** Floats and histograms. */
  readonly samples: number;
}

export interface RemoteWriteOptions {
  /** Most bytes of a request after decompression. */
  readonly maxBytes: number;
  /** Hears the metadata of a request. */
  readonly onMetadata: (metadata: WriteRequestColumns['metadata']) => void;
  /** Hears how many samples a refused request had, where its body could be read. */
  readonly onRefused: (samples: number) => void;
}

export interface RemoteWrite {
  /**
   * Stores a request: all of it or nothing.
   * @param body as received: a snappy block
   * @throws WireError, InvalidSeriesError, InvalidSampleError, OverloadedError, StorageError
   */
  atOnce(body: Uint8Array): RemoteWriteResult;
  /**
   * `atOnce`, where it would take long after turns of the event loop: for a request that brings many new series.
   * @param keep gives a copy of the body that stays as it is
   * @throws what `atOnce` and `keep` throw, or rejects with it
   */
  inTurns(body: Uint8Array, keep: () => Uint8Array): RemoteWriteResult | Promise<RemoteWriteResult>;
}

/** What a request with many new series brings into memory. */
interface Added {
  readonly newSeries: NewSeries;
  /** Of the window that all of its samples are in, where they are in one. */
  readonly startMs: number | undefined;
}

/** The path of a remote-write 1.0 request from its bytes to the head: a few passes over columns. */
export function createRemoteWrite(
  head: Head,
  writer: HeadWriter,
  batches: BatchWriter,
  options: RemoteWriteOptions,
): RemoteWrite {
  const known = createKnownSeries(head.series);
  const uncompress = createSnappyUncompressor(options.maxBytes, head.series.keys.arena?.bodies);
  const decode = createWriteRequestDecoder({ shortcut: known });
  const { times } = writer;
  let seriesIds = new Uint32Array(4096);
  let sampleSeries = new Uint32Array(4096);

  /** The last request with many new series; resolves when its series are there. */
  let lastLarge: Promise<unknown> | undefined;

  /** Room for all keys beforehand: the memory with the body in it must not move while series are created. */
  function withRoom(columns: WriteRequestColumns, body: Uint8Array): WriteRequestColumns {
    if (known === undefined || known.firstUnknown < 0) return columns;
    const keyBytes = 2 * columns.body.length + columns.seriesCount * 4 * KEY_OVERHEAD_BYTES;
    return head.series.keys.arena!.reserve(keyBytes) ? decode(uncompress(body)) : columns;
  }

  function addedBy(columns: WriteRequestColumns): Added | undefined {
    const many = newSeries(columns);
    return many && { newSeries: many, startMs: writer.windowOf(columns.timestamps, columns.sampleCount) };
  }

  function newSeries(columns: WriteRequestColumns): NewSeries | undefined {
    const { body, labelsStart, labelsEnd, seriesCount } = columns;
    if (seriesCount <= MOST_NEW_AT_ONCE) return undefined;
    if (known?.isActive) {
      return known.firstUnknown < 0 ? undefined : manyNewSeries(columns, known.series, known.firstUnknown);
    }
    seriesIds = growUint32(seriesIds, seriesCount);
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    head.series.keys.resolve(view, labelsStart, labelsEnd, seriesCount, seriesIds);
    return manyNewSeries(columns, seriesIds, 0);
  }

  function resolveSeries({ body, labelsStart, labelsEnd, seriesCount }: WriteRequestColumns): void {
    if (known?.isActive) {
      seriesIds = known.series;
      if (known.firstUnknown < 0) return;
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      head.series.createUnknown(view, labelsStart, labelsEnd, known.firstUnknown, seriesCount, seriesIds);
      return;
    }
    seriesIds = growUint32(seriesIds, seriesCount);
    head.series.resolve(body, labelsStart, labelsEnd, seriesCount, seriesIds);
  }

  function store(columns: WriteRequestColumns): number {
    const { seriesCount, sampleCount, timestamps, values } = columns;
    writer.admit();
    resolveSeries(columns);
    times.lap('match');
    let series = seriesIds;
    if (sampleCount !== seriesCount || !hasOneSampleEach(columns)) {
      sampleSeries = growUint32(sampleSeries, sampleCount);
      expand(columns, seriesIds, sampleSeries);
      series = sampleSeries;
    }
    const floats = { series, timestamps, values, count: sampleCount };
    if (columns.histogramCount === 0 && columns.exemplarCount === 0) return writer.append(floats);
    return batches.append(withExtras(columns, floats, seriesIds)).group;
  }

  function write(body: Uint8Array, read: WriteRequestColumns): RemoteWriteResult {
    const columns = withRoom(read, body);
    times.lap('decode');
    times.requests++;
    times.receivedBytes += body.length;
    times.decodedBytes += columns.body.length;
    try {
      const group = store(columns);
      if (columns.metadata.length > 0) options.onMetadata(columns.metadata);
      return { group, samples: columns.sampleCount + columns.histogramCount };
    } catch (error) {
      options.onRefused(columns.sampleCount + columns.histogramCount);
      throw nameRefusal(error, head, writer, () => {
        // What looks series up may move the memory that the body is in.
        const again = decode(uncompress(body));
        return { ...again, body: again.body.slice() };
      });
    }
  }

  function atOnce(body: Uint8Array): RemoteWriteResult {
    times.begin();
    return write(body, decode(uncompress(body)));
  }

  /** One at a time, as its labels take memory: whoever waits for another has only its body. */
  async function createSeries(body: Uint8Array, added: Added | Promise<unknown>): Promise<void> {
    let missing: Added | undefined;
    if (added instanceof Promise) {
      await added;
      missing = addedBy(decode(uncompress(body)));
    } else missing = added;
    writer.admit();
    if (missing === undefined) return;
    const { newSeries: many, startMs } = missing;
    await createInTurns(head.series, many, times, (series) => {
      if (startMs !== undefined) writer.defineAtOnce(series, startMs);
    });
  }

  return {
    atOnce,
    inTurns(body, keep) {
      times.begin();
      const columns = decode(uncompress(body));
      const added = addedBy(columns);
      if (added === undefined) return write(body, columns);
      const samples = columns.sampleCount + columns.histogramCount;
      const refused = (error: unknown): never => {
        options.onRefused(samples);
        throw error;
      };
      let kept: Uint8Array;
      try {
        kept = keep();
      } catch (error) {
        return refused(error);
      }
      const created = createSeries(kept, lastLarge ?? added).catch(refused);
      const settled = created
        .catch(() => undefined)
        .then(() => {
          if (lastLarge === settled) lastLarge = undefined;
        });
      lastLarge = settled;
      // Now it is stored as a request without new series: whole, and at one moment.
      return created.then(() => atOnce(kept));
    },
  };
}

/** Adds the histograms and exemplars of a request; a histogram that says that its series has ended is a float. */
function withExtras(columns: WriteRequestColumns, floats: SampleColumns, seriesIds: Uint32Array): WriteBatch {
  const all = Array.from({ length: columns.histogramCount }, (_, i) => requestHistogram(columns, i, seriesIds));
  const exemplars = Array.from({ length: columns.exemplarCount }, (_, i) => requestExemplar(columns, i, seriesIds));
  return { floats: withStaleMarkers(floats, all), histograms: all.filter(({ isStale }) => !isStale), exemplars };
}

function hasOneSampleEach({ sampleStart, seriesCount }: WriteRequestColumns): boolean {
  for (let i = 0; i <= seriesCount; i++) if (sampleStart[i] !== i) return false;
  return true;
}

/** The series of every sample. */
function expand({ sampleStart, seriesCount }: WriteRequestColumns, seriesIds: Uint32Array, out: Uint32Array): void {
  for (let i = 0; i < seriesCount; i++) {
    const end = sampleStart[i + 1]!;
    for (let sample = sampleStart[i]!; sample < end; sample++) out[sample] = seriesIds[i]!;
  }
}
