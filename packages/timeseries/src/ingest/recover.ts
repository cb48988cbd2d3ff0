import { decodeLabels } from '@opendata/wire';
import type { ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';
import { JournalEntryDecoder, type JournalEntrySink } from '../journal-entries/decode.ts';
import { JournalEntryError } from '../journal-entries/format.ts';

export interface RecoveryResult {
  readonly entries: number;
  readonly samples: number;
}

/** Puts journal entries into a head, one after the other. */
export interface EntryReplay {
  /** @throws JournalEntryError where the entry cannot be read, or entries of its lane before it are missing */
  replay(lane: number, entry: Uint8Array): void;
  /** Samples so far. */
  readonly samples: number;
}

/**
 * Replays journal entries into an empty head, and exemplars into their ring.
 * @throws JournalEntryError where an entry cannot be read; and what the journal throws
 */
export async function recoverHead(
  head: Head,
  entries: AsyncIterable<{ readonly lane: number; readonly entry: Uint8Array }>,
  exemplars?: ExemplarRing,
): Promise<RecoveryResult> {
  const replay = createEntryReplay(head, exemplars);
  let count = 0;
  for await (const { lane, entry } of entries) {
    replay.replay(lane, entry);
    count++;
  }
  return { entries: count, samples: replay.samples };
}

/** Replays into a head that nobody else writes, and exemplars into their ring. */
export function createEntryReplay(head: Head, exemplars?: ExemplarRing): EntryReplay {
  const decoder = new JournalEntryDecoder(head.series.keys.arena?.bodies);
  let lane = 0;
  let window: WindowHead | undefined;
  let samples = 0;
  const sink: JournalEntrySink = {
    window(startMs, durationMs) {
      if (window?.lane !== lane) window = head.addWindow(lane, startMs, durationMs);
      if (window.startMs !== startMs || window.durationMs !== durationMs) {
        throw new JournalEntryError(`journal lane ${lane} holds two windows`);
      }
    },
    definition(slot, view, start, end) {
      if (slot !== window!.slotCount) throw new JournalEntryError(`journal lane ${lane} misses series definitions`);
      window!.addSlot(head.series.resolveChecked(view, start, end));
    },
    floatSamples(slots, offsets, values, sampleCount, starts) {
      const { slotCount } = window!;
      for (let i = 0; i < sampleCount; i++) {
        if (slots[i]! >= slotCount) throw new JournalEntryError(`journal lane ${lane} misses series definitions`);
      }
      window!.append(slots, offsets, values, sampleCount, starts);
      samples += sampleCount;
    },
    histogram(slot, offset, bytes, startMs) {
      if (slot >= window!.slotCount) throw new JournalEntryError(`journal lane ${lane} misses series definitions`);
      window!.appendHistogram(slot, offset, bytes, startMs);
      samples++;
    },
    exemplar({ slot, timestampMs, value, labels }) {
      if (slot >= window!.slotCount) throw new JournalEntryError(`journal lane ${lane} misses series definitions`);
      const exemplar = { timestampMs, value, labels: decodeLabels(labels, 0, labels.length) };
      exemplars?.add(window!.seriesOf(slot), exemplar, lane);
    },
  };
  return {
    replay(ofLane, entry) {
      lane = ofLane;
      // A window that was dropped meanwhile is another one if it comes again.
      if (window !== undefined && head.window(window.lane) !== window) window = undefined;
      decoder.decode(entry, sink);
    },
    get samples() {
      return samples;
    },
  };
}
