/** Length of a time window, in ms. */
export const DEFAULT_WINDOW_MS = 3_600_000;
/** How long after its end a window is kept in memory for late samples, in ms. */
export const DEFAULT_GRACE_MS = 120_000;
