/** Length of a time window, in ms. */
export const DEFAULT_WINDOW_MS = 3_600_000;
/** How long after its end a window is kept in memory for late samples, in ms. */
export const DEFAULT_GRACE_MS = 120_000;
/** How long a series without samples in memory is remembered, in ms. */
export const DEFAULT_SERIES_IDLE_MS = 600_000;
/** Pages of blocks that are kept decoded. */
export const DECODED_PAGES_BYTES = 32 * 1024 * 1024;
/** The columns of values that were decoded of them may take twice as much. */
const DECODED_SHARES = 3;
const DECODED_PAGES_SHARE = 1 / 32;
/** As many as Prometheus keeps by default. */
export const MAX_EXEMPLARS = 100_000;

export interface MemoryShares {
  /** Series and samples: over it writes are refused. */
  readonly headBytes: number;
  /** Decoded pages of blocks, without the columns decoded of them. */
  readonly decodedPagesBytes: number;
}

/** What the parts of the memory budget, in bytes, are for. */
export function shareMemory(budgetBytes: number): MemoryShares {
  const decodedPagesBytes = Math.min(DECODED_PAGES_BYTES, Math.floor(budgetBytes * DECODED_PAGES_SHARE));
  return { headBytes: budgetBytes - decodedPagesBytes * DECODED_SHARES, decodedPagesBytes };
}
