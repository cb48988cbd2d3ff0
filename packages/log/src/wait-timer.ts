/** The longest time that a timer takes, ms, 24 days: one beyond it would be over at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Calls `giveUp` after so many ms; never where nothing is said, or more than a timer takes. */
export function giveUpAfter(timeoutMs: number | undefined, giveUp: () => void): NodeJS.Timeout | undefined {
  return timeoutMs === undefined || timeoutMs > longestTimerMs ? undefined : setTimeout(giveUp, timeoutMs);
}
