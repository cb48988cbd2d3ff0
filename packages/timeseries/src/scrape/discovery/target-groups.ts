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
  const groups = groupsOfJson(text) ?? parseYamlConfig(text, origin, schema).value;
  return groups.map(({ targets, labels }) => ({ targets, labels: { ...labels, ...meta } }));
}

/** Long lists are JSON, which is read a hundred times as fast; `undefined` where it has to be read as YAML. */
function groupsOfJson(text: string): z.infer<typeof schema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
}
