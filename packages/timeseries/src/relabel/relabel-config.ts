import { RE2JS } from 're2js';
import { z } from 'zod';

const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

export type RelabelAction = (typeof ACTIONS)[number];

const DEFAULT_PATTERN = '(.*)';
const DEFAULT_REPLACEMENT = '$1';
const DEFAULT_SEPARATOR = ';';

const NEEDS_TARGET: ReadonlySet<RelabelAction> = new Set([
  'replace',
  'hashmod',
  'keepequal',
  'dropequal',
  'lowercase',
  'uppercase',
]);

/** One step of relabelling, with Prometheus' keys, defaults and rules. */
export const relabelConfigSchema = z
  .strictObject({
    source_labels: z
      .array(z.string().min(1, { error: 'expected a label name' }))
      .optional()
      .describe('Labels whose values are put together'),
    separator: z.string().optional().describe('Between the values (default `;`)'),
    regex: z.string().optional().describe('What the values must match as a whole (default `(.*)`)'),
    modulus: z.int({ error: 'expected a whole number' }).min(0).optional().describe('Of `hashmod`'),
    target_label: z.string().optional().describe('The label that is set'),
    replacement: z.string().optional().describe('What it is set to (default `$1`)'),
    action: z
      .string()
      .transform((text) => text.toLowerCase())
      .pipe(z.enum(ACTIONS, { error: `expected one of ${ACTIONS.join(', ')}` }))
      .default('replace')
      .describe('What is done'),
  })
  .superRefine((config, context) => {
    const report = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    const { action, target_label: target = '' } = config;
    if (config.regex !== undefined && compile(config.regex) === undefined) {
      report('regex', `expected a regular expression of RE2, found ${JSON.stringify(config.regex)}`);
    }
    if (NEEDS_TARGET.has(action) && target === '') {
      report('action', `relabel configuration for ${action} action requires 'target_label' value`);
    }
    if (action === 'hashmod' && (config.modulus ?? 0) === 0) {
      report('action', 'relabel configuration for hashmod requires non-zero modulus');
    }
    if (action === 'labeldrop' || action === 'labelkeep') {
      for (const key of ['source_labels', 'target_label', 'modulus', 'separator', 'replacement'] as const) {
        if (config[key] !== undefined) report(key, `${action} action requires only 'regex', and no other fields`);
      }
    }
    if (action === 'keepequal' || action === 'dropequal') {
      for (const key of ['regex', 'modulus', 'separator', 'replacement'] as const) {
        if (config[key] !== undefined) {
          report(key, `${action} action requires only 'source_labels' and 'target_label', and no other fields`);
        }
      }
    }
  });

export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: RE2JS;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly modulus: number;
}

export function resolveRelabelRule(config: z.infer<typeof relabelConfigSchema>): RelabelRule {
  return {
    action: config.action,
    sourceLabels: config.source_labels ?? [],
    separator: config.separator ?? DEFAULT_SEPARATOR,
    regex: compile(config.regex ?? DEFAULT_PATTERN)!,
    targetLabel: config.target_label ?? '',
    replacement: config.replacement ?? DEFAULT_REPLACEMENT,
    modulus: config.modulus ?? 0,
  };
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(`^(?s:${pattern})$`);
  } catch {
    return undefined;
  }
}
