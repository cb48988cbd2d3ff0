import { decodeOtlpMetrics, type FamilyMetadata, type OtlpEncoding } from '@opendata/wire';
import { createYielder } from '../head/yielder.ts';
import { DeltaCounters } from './delta-counters.ts';
import { type BatchStore, SampleSink } from './sample-sink.ts';
import type { OtlpSettings } from './settings.ts';
import { Translator } from './translate.ts';

/** Samples that are stored together, so that a large request does not hold up everything else. */
const SAMPLES_PER_BATCH = 4096;

export interface OtlpStore extends BatchStore {
  readonly metadata: { add(metadata: readonly FamilyMetadata[]): void };
}

export interface OtlpReceiverOptions {
  readonly settings: OtlpSettings;
  readonly now: () => number;
}

export interface OtlpResult {
  /** The commit group to wait for; `undefined` where nothing was stored. */
  readonly group: number | undefined;
  /** Data points of the request, and those of them that were rejected. */
  readonly points: number;
  readonly rejected: number;
  /** Why points were rejected. */
  readonly message: string;
  /** What was stored is not durable, and the sender is told so: its points with delta temporality are not counted yet. */
  undoDeltas(): void;
}

export interface OtlpReceiver {
  /**
   * Stores the metrics of a request. Where it fails in the middle, a part of it may be stored already: the same
   * request again stores the rest and changes nothing else.
   * @throws WireError, OverloadedError, StorageError
   */
  receive(store: OtlpStore, body: Uint8Array, encoding: OtlpEncoding): Promise<OtlpResult>;
  /** Series with delta temporality whose totals are kept. */
  readonly deltaSeries: number;
}

export function createOtlpReceiver({ settings, now }: OtlpReceiverOptions): OtlpReceiver {
  const deltas = new DeltaCounters({ maxSeries: settings.deltaMaxSeries, maxIdleMs: settings.deltaMaxIdleMs });
  return {
    async receive(store, body, encoding) {
      const yielder = createYielder();
      deltas.forgetIdle(now());
      const added = deltas.request(now());
      const sink = new SampleSink(store, now());
      const translator = new Translator({ settings, sink, deltas: added });
      const release = store.holdSeries(sink.holdSeries);
      try {
        for (const part of decodeOtlpMetrics(body, encoding)) {
          if (part !== undefined) translator.add(part);
          if (sink.size >= SAMPLES_PER_BATCH) sink.flush();
          await yielder();
        }
        translator.endResource();
        sink.flush();
      } catch (error) {
        added.undo();
        throw error;
      } finally {
        release();
      }
      store.metadata.add(translator.metadata);
      const { points, rejected, message } = translator;
      return { group: sink.group, points, rejected, message, undoDeltas: () => added.undo() };
    },
    get deltaSeries() {
      return deltas.series;
    },
  };
}
