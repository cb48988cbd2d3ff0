import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';
import { JournalEntryDecoder, type JournalEntrySink } from '../journal-entries/decode.ts';
import { JournalEntryError } from '../journal-entries/format.ts';

export interface RecoveryResult {
  readonly entries: number;
  readonly samples: number;
}

/**
 * Replays journal entries into an empty head.
 * @throws JournalEntryError where an entry cannot be read; and what the journal throws
 */
export async function recoverHead(
  head: Head,
  entries: AsyncIterable<{ readonly lane: number; readonly entry: Uint8Array }>,
): Promise<RecoveryResult> {
  const decoder = new JournalEntryDecoder();
  let lane = 0;
  let window: WindowHead | undefined;
  let count = 0;
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
    floatSamples(slots, offsets, values, sampleCount) {
      const { slotCount } = window!;
      for (let i = 0; i < sampleCount; i++) {
        if (slots[i]! >= slotCount) throw new JournalEntryError(`journal lane ${lane} misses series definitions`);
      }
      window!.append(slots, offsets, values, sampleCount);
      samples += sampleCount;
    },
  };
  for await (const item of entries) {
    lane = item.lane;
    decoder.decode(item.entry, sink);
    count++;
  }
  return { entries: count, samples };
}
