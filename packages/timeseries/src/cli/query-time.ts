import { CliError, parseDuration } from '@opendata/server/cli';

/** Seconds since 1970: given so, as RFC 3339, or as how long ago, where `0` is now. @throws CliError */
export function evaluationTime(text: string, flag: string, nowMs = Date.now()): number {
  if (/^-?\d+(\.\d+)?$/.test(text) && Number(text) !== 0) return Number(text);
  if (/^\d{4}-\d\d/.test(text)) {
    const timeMs = Date.parse(text);
    if (!Number.isNaN(timeMs)) return timeMs / 1000;
  }
  try {
    return (nowMs - parseDuration(text)) / 1000;
  } catch {
    throw new CliError(`${flag}: expected RFC 3339, seconds since 1970 or a duration like 1h, found "${text}"`);
  }
}
