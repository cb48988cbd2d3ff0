import type { z } from 'zod';

/** docs/configuration.md. */
export const referenceFile: URL;

/** What the reference is made from. */
export interface ConfigurationSources {
  readonly timeSeries: z.ZodType;
  readonly log: z.ZodType;
  readonly settings: z.ZodType;
  /** Nested as in the settings file. */
  readonly settingsDefaults: object;
  readonly web: z.ZodType;
  readonly flags: { readonly timeSeries: object; readonly log: object };
}

/** The text of the reference. */
export function renderConfigurationReference(sources: ConfigurationSources): string;
