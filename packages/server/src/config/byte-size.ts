import { z } from 'zod';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
  ['t', 1024 ** 4],
  ['p', 1024 ** 5],
]);

/**
 * Reads a size: bytes as a number, or with a unit as Prometheus takes it, in powers of 1024: `512`, `10MB`, `1.5GiB`.
 * @returns bytes
 * @throws RangeError when it is not a size
 */
export function parseByteSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)$/.exec(text.trim());
  const unit = (match?.[2] ?? '').toLowerCase().replace(/(?<=[kmgtp])i?b$/, '');
  const factor = UNITS.get(unit);
  if (match === null || factor === undefined) throw new RangeError(`not a valid size: ${JSON.stringify(text)}`);
  const sizeBytes = Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError(`size out of range: ${JSON.stringify(text)}`);
  return sizeBytes;
}

/** Writes bytes with the largest unit that leaves at most two decimals: `10MiB`, `1.5KiB`, `1000B`. */
export function printByteSize(sizeBytes: number): string {
  for (const [unit, factor] of [...UNITS].reverse()) {
    const count = sizeBytes / factor;
    if (factor === 1) break;
    if (count >= 1 && Number.isInteger(count * 100)) return `${count}${unit.toUpperCase()}iB`;
  }
  return `${sizeBytes}B`;
}

export interface ByteSizeOptions {
  readonly minBytes?: number;
  readonly maxBytes?: number;
}

/** A configuration value like `64MB` or `67108864`, in bytes. */
export function byteSize(options: ByteSizeOptions = {}): z.ZodType<number, string | number> {
  const { minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER } = options;
  return z
    .union([z.string(), z.number()], { error: 'expected a size in bytes, as a number or like 64MB' })
    .transform((input, context) => {
      let sizeBytes: number;
      try {
        sizeBytes = parseByteSize(String(input));
      } catch {
        context.addIssue({ code: 'custom', message: 'expected a size in bytes, as a number or like 64MB' });
        return z.NEVER;
      }
      if (sizeBytes >= minBytes && sizeBytes <= maxBytes) return sizeBytes;
      const bound = sizeBytes < minBytes ? `at least ${printByteSize(minBytes)}` : `at most ${printByteSize(maxBytes)}`;
      context.addIssue({ code: 'custom', message: `expected a size of ${bound}, found ${printByteSize(sizeBytes)}` });
      return z.NEVER;
    })
    .meta({ description: 'A size in bytes, as a number or like 64MB', unit: 'size' });
}
