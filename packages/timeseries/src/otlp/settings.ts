import { durationMs } from '@opendata/server';
import { z } from 'zod';

/** How OTLP's metrics become series. All but `delta_to_cumulative` are Prometheus' keys with its meanings. */

const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

export type TranslationStrategy = (typeof STRATEGIES)[number];

const flag = () => z.boolean({ error: 'expected true or false' });
const attributeNames = () =>
  z
    .array(z.string().min(1, { error: 'expected the name of an attribute' }))
    .default([])
    .superRefine((names, context) => {
      names.forEach((name, i) => {
        if (names.indexOf(name) < i)
          context.addIssue({ code: 'custom', path: [i], message: `"${name}" is given twice` });
      });
    });

const deltaSchema = z.strictObject({
  max_series: z
    .int({ error: 'expected a whole number of series, 0 to refuse delta temporality' })
    .min(0)
    .default(100_000)
    .describe('Counters with delta temporality that are added up; points of others are refused. 0: all are'),
  max_stale: durationMs({ minMs: 1000 })
    .default(300_000)
    .describe('A counter without a point for this long is forgotten'),
});

const DEFAULT_DELTA = { max_series: 100_000, max_stale: 300_000 };

export const otlpConfigSchema = z
  .strictObject({
    promote_resource_attributes: attributeNames().describe(
      'Attributes of the resource that every series gets as labels',
    ),
    promote_all_resource_attributes: flag()
      .default(false)
      .describe('All of them become labels, but for those of `ignore_resource_attributes`'),
    ignore_resource_attributes: attributeNames().describe(
      'Attributes that do not become labels, with `promote_all_resource_attributes`',
    ),
    promote_scope_metadata: flag().default(false).describe('Name, version and attributes of the scope become labels'),
    translation_strategy: z
      .enum(STRATEGIES, { error: `expected one of ${STRATEGIES.join(', ')}` })
      .default('UnderscoreEscapingWithSuffixes')
      .describe('How names become names of metrics'),
    keep_identifying_resource_attributes: flag()
      .default(false)
      .describe('Keep `service.*` in `target_info`, beside `job` and `instance`'),
    convert_histograms_to_nhcb: flag()
      .default(false)
      .describe('Histograms become native histograms with custom buckets'),
    label_name_underscore_sanitization: flag()
      .default(true)
      .describe('Put `key` before names that begin with one underscore'),
    label_name_preserve_multiple_underscores: flag().default(true).describe('Keep underscores that follow each other'),
    delta_to_cumulative: deltaSchema.default(DEFAULT_DELTA).describe('Points with delta temporality'),
  })
  .superRefine((otlp, context) => {
    if (otlp.promote_all_resource_attributes && otlp.promote_resource_attributes.length > 0) {
      context.addIssue({
        code: 'custom',
        path: ['promote_resource_attributes'],
        message:
          "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
      });
    }
    if (!otlp.promote_all_resource_attributes && otlp.ignore_resource_attributes.length > 0) {
      context.addIssue({
        code: 'custom',
        path: ['ignore_resource_attributes'],
        message: "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
      });
    }
  });

export type OtlpConfigFile = z.infer<typeof otlpConfigSchema>;

export interface OtlpSettings {
  readonly promotesAllResourceAttributes: boolean;
  /** Attributes that are promoted or, where all are, those that are not. */
  readonly namedAttributes: ReadonlySet<string>;
  readonly promotesScope: boolean;
  readonly addsSuffixes: boolean;
  readonly allowsUtf8: boolean;
  readonly keepsIdentifyingAttributes: boolean;
  readonly convertsHistograms: boolean;
  readonly sanitizesLeadingUnderscore: boolean;
  readonly preservesUnderscores: boolean;
  readonly deltaMaxSeries: number;
  readonly deltaMaxIdleMs: number;
  /** Distance of the samples of `target_info`: half of the time that selectors look back. */
  readonly targetInfoStepMs: number;
}

export function resolveOtlpSettings(file: OtlpConfigFile): OtlpSettings {
  const strategy = file.translation_strategy;
  return {
    promotesAllResourceAttributes: file.promote_all_resource_attributes,
    namedAttributes: new Set(
      file.promote_all_resource_attributes ? file.ignore_resource_attributes : file.promote_resource_attributes,
    ),
    promotesScope: file.promote_scope_metadata,
    addsSuffixes: strategy === 'UnderscoreEscapingWithSuffixes' || strategy === 'NoUTF8EscapingWithSuffixes',
    allowsUtf8: strategy === 'NoUTF8EscapingWithSuffixes' || strategy === 'NoTranslation',
    keepsIdentifyingAttributes: file.keep_identifying_resource_attributes,
    convertsHistograms: file.convert_histograms_to_nhcb,
    sanitizesLeadingUnderscore: file.label_name_underscore_sanitization,
    preservesUnderscores: file.label_name_preserve_multiple_underscores,
    deltaMaxSeries: file.delta_to_cumulative.max_series,
    deltaMaxIdleMs: file.delta_to_cumulative.max_stale,
    targetInfoStepMs: 150_000,
  };
}

export const DEFAULT_OTLP_SETTINGS: OtlpSettings = resolveOtlpSettings(otlpConfigSchema.parse({}));
