import { parseYamlConfig } from '@opendata/server';
import { z } from 'zod';
import type { TargetGroup } from '../target.ts';

const schema = z.array(
  z.strictObject({
    targets: z.array(z.string()).default([]),
    labels: z.record(z.string().min(1, { error: 'expected a label name' }), z.string()).default({}),
  }),
);

/**
 * Reads a list of target groups, as JSON or YAML.
 * @param origin where it is from, for messages
 * @param meta labels that say so, for relabelling
 * @throws ConfigError
 */
export function parseTargetGroups(text: string, origin: string, meta: Readonly<Record<string, string>>): TargetGroup[] {
  if (text.trim() === '') return [];
  const groups = parseYamlConfig(text, origin, schema).value;
  return groups.map(({ targets, labels }) => ({ targets, labels: { ...labels, ...meta } }));
}
