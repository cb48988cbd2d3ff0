import { ConfigError, parseYamlConfig, printByteSize, printPath, yamlToJson } from '@opendata/server';
import { z } from 'zod';
import { createYielder } from '../../head/yielder.ts';
import type { TargetGroup } from '../target.ts';
import { parseJsonList } from './json-list.ts';

export const MAX_LIST_BYTES = 8 * 1024 * 1024;
const MAX_YAML_BYTES = 2 * 1024 * 1024;
/** Longer YAML is read in another thread. */
const SHORT_YAML_CHARACTERS = 16 * 1024;

const groupSchema = z.strictObject({
  targets: z.array(z.string()).default([]),
  labels: z.record(z.string().min(1, { error: 'expected a label name' }), z.string()).default({}),
});
const schema = z.array(groupSchema);

type Group = z.infer<typeof groupSchema>;

/**
 * Reads a list of target groups, as JSON or YAML.
 * @param origin where it is from, for messages
 * @param meta labels that say so, for relabelling
 * @throws ConfigError
 */
export async function parseTargetGroups(
  text: string,
  origin: string,
  meta: Readonly<Record<string, string>>,
): Promise<TargetGroup[]> {
  if (text.trim() === '') return [];
  checkListSize(Buffer.byteLength(text), origin);
  return withLabels(await groupsOf(text, await jsonOf(text), origin), meta);
}

/** As `parseTargetGroups`, of nothing but JSON. @throws SyntaxError, ConfigError */
export async function parseJsonTargetGroups(
  text: string,
  origin: string,
  meta: Readonly<Record<string, string>>,
): Promise<TargetGroup[]> {
  checkListSize(Buffer.byteLength(text), origin);
  return withLabels(await groupsOf(text, await parseJsonList(text), origin), meta);
}

function withLabels(groups: readonly Group[], meta: Readonly<Record<string, string>>): TargetGroup[] {
  return groups.map(({ targets, labels }) => ({ targets, labels: { ...labels, ...meta } }));
}

/** @throws ConfigError where the list is longer than this server reads */
export function checkListSize(sizeBytes: number, origin: string): void {
  if (sizeBytes <= MAX_LIST_BYTES) return;
  throw fault(
    origin,
    `expected at most ${printByteSize(MAX_LIST_BYTES)}, found ${sizeBytes} bytes: make several of it`,
  );
}

/**
 * Long lists are JSON, which is read a hundred times as fast.
 * @param value what `text` is as JSON; undefined where it is none
 */
async function groupsOf(text: string, value: unknown, origin: string): Promise<readonly Group[]> {
  if (value !== undefined) {
    const groups = await checkedGroups(value);
    if (Array.isArray(groups)) return groups;
    // Read as YAML, the fault has a line.
    if (text.length > SHORT_YAML_CHARACTERS) throw fault(origin, String(groups));
  }
  if (text.length <= SHORT_YAML_CHARACTERS) return parseYamlConfig(text, origin, schema).value;
  if (text.length > MAX_YAML_BYTES) {
    const limit = printByteSize(MAX_YAML_BYTES);
    throw fault(
      origin,
      `expected at most ${limit} of YAML, found ${text.length} bytes: write JSON, or make several of it`,
    );
  }
  const groups = await checkedGroups(withoutEmpty(JSON.parse(await jsonOfYaml(text, origin))));
  if (Array.isArray(groups)) return groups;
  throw fault(origin, String(groups));
}

async function jsonOf(text: string): Promise<unknown> {
  try {
    return await parseJsonList(text);
  } catch {
    return undefined;
  }
}

async function jsonOfYaml(text: string, origin: string): Promise<string> {
  try {
    return await yamlToJson(text);
  } catch (error) {
    throw fault(origin, (error as Error).message);
  }
}

/** Keys without a value count as absent. */
function withoutEmpty(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((group: unknown) =>
    typeof group === 'object' && group !== null
      ? Object.fromEntries(Object.entries(group).filter(([, part]) => part !== '' && part !== null))
      : group,
  );
}

/** The groups, checked in turns; or what is wrong with the first that is wrong. */
async function checkedGroups(value: unknown): Promise<Group[] | string> {
  if (!Array.isArray(value)) return 'expected a list';
  const yielder = createYielder();
  const groups: Group[] = [];
  for (const [i, part] of value.entries()) {
    const { data, error } = groupSchema.safeParse(part);
    if (data === undefined) {
      const { path, message } = error!.issues[0]!;
      return `${printPath([i, ...path])}: ${message}`;
    }
    groups.push(data);
    await yielder();
  }
  return groups;
}

function fault(file: string, message: string): ConfigError {
  return new ConfigError([{ file, path: '', message }]);
}
