import type { z } from 'zod';

export interface ConfigurationRow {
  readonly path: string;
  readonly type: string;
  readonly unit: string;
  readonly defaultValue: string;
  readonly meaning: string;
}

/** Every key that a mapping may have, those of mappings in it included. */
export function configurationRows(schema: z.ZodType, defaults?: Readonly<Record<string, unknown>>): ConfigurationRow[];

/** Keys that are there to be refused with what to do instead. */
export function refusedKeys(schema: z.ZodType): string[];
