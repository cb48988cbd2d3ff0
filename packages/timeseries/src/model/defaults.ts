/** Length of a time window, in ms. */
export const DEFAULT_WINDOW_MS = 3_600_000;
/** How long after its end a window is kept in memory for late samples, in ms. */
export const DEFAULT_GRACE_MS = 120_000;
/** How long a series without samples in memory is remembered, in ms. */
export const DEFAULT_SERIES_IDLE_MS = 600_000;
/** Pages of blocks that are kept decoded. */
export const DECODED_PAGES_BYTES = 32 * 1024 * 1024;
/** As many as Prometheus keeps by default. */
export const MAX_EXEMPLARS = 100_000;
