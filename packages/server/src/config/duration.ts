import { z } from 'zod';
import { LONGEST_DURATION_MS, parseDuration, printDuration } from './duration-text.ts';

export interface DurationOptions {
  /** Milliseconds; the value must be at least this. */
  readonly minMs?: number;
  readonly maxMs?: number;
}

/** A configuration value like `30s`, in milliseconds. */
export function durationMs(options: DurationOptions = {}): z.ZodType<number, string | number> {
  const { minMs = 0, maxMs = LONGEST_DURATION_MS } = options;
  return z
    .union([z.string(), z.number()], { error: 'expected a duration like 30s or 1h30m' })
    .transform((input, context) => {
      let parsedMs: number;
      try {
        parsedMs = parseDuration(String(input));
      } catch (error) {
        context.addIssue({
          code: 'custom',
          message: `expected a duration like 30s or 1h30m: ${(error as Error).message}`,
        });
        return z.NEVER;
      }
      if (parsedMs >= minMs && parsedMs <= maxMs) return parsedMs;
      const bound = parsedMs < minMs ? `at least ${printDuration(minMs)}` : `at most ${printDuration(maxMs)}`;
      context.addIssue({
        code: 'custom',
        message: `expected a duration of ${bound}, found ${printDuration(parsedMs)}`,
      });
      return z.NEVER;
    })
    .meta({ description: 'A duration such as 30s or 1h30m', unit: 'duration' });
}
