import type { SeriesKeys } from '../head/series-keys.ts';
import type { WindowHead } from '../head/window-head.ts';
import type { Definitions } from '../journal-entries/encode.ts';

/** The slot of a series, which gets one where it has none. */
export function slotFor(window: WindowHead, series: number): number {
  const slot = window.slotOf(series);
  return slot >= 0 ? slot : window.addSlot(series);
}

/** The slots of a window from `firstSlot` on, for the entry of its lane that brings them. */
export function definitionsFrom(keys: SeriesKeys, window: WindowHead, firstSlot: number): Definitions {
  return {
    firstSlot,
    count: window.slotCount - firstSlot,
    labels: (i) => keys.canonicalBytes(window.seriesOf(firstSlot + i)),
    shared: (i, out) => keys.sharedBytes(window.seriesOf(firstSlot + i - 1), window.seriesOf(firstSlot + i), out),
  };
}
