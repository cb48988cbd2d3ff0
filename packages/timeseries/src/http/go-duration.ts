/** A duration in ms of zero or less, as Go prints it: `0s`, `-1m30s`, `-1.5s`, `-500ms`. */
export function formatNoPositiveDuration(durationMs: number): string {
  const nanoseconds = Math.trunc(-durationMs * 1e6);
  if (nanoseconds <= 0) return '0s';
  if (nanoseconds < 1e3) return `-${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `-${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `-${nanoseconds / 1e6}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (minutes === 0) return `-${seconds}`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `-${minutes}m${seconds}` : `-${hours}h${minutes % 60}m${seconds}`;
}
