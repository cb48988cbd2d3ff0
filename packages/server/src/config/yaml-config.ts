import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { problemsOf } from './issues.ts';
import { readFailure } from './read-failure.ts';
import { valueAt } from './value-at.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

/** A configuration that passed its schema, and the way to say where a further problem is. */
export interface LoadedConfig<T> {
  readonly value: T;
  readonly file: string;
  readonly text: string;
  /** An error at the value that `path` leads to, for checks that the schema cannot make. */
  errorAt(path: readonly PropertyKey[], message: string): ConfigError;
}

/**
 * Reads a YAML file and checks it against a schema. Scalars are taken as they are written where the schema wants text
 * (`job_name: 2024`), and a key without a value counts as absent, both as in Prometheus.
 * @throws ConfigError with every problem found
 */
export function loadYamlConfig<T>(file: string, schema: z.ZodType<T>): T {
  return openYamlConfig(file, schema).value;
}

/** @throws ConfigError with every problem found */
export function openYamlConfig<T>(file: string, schema: z.ZodType<T>): LoadedConfig<T> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([{ file, path: '', message: readFailure(error) }]);
  }
  return parseYamlConfig(text, file, schema);
}

/** @throws ConfigError with every problem found */
export function parseYamlConfig<T>(text: string, file: string, schema: z.ZodType<T>): LoadedConfig<T> {
  const source = parseYaml(text, file);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const root = { value: plainValue(source) };
  let result = schema.safeParse(root.value);
  while (!result.success && adapt(root, result.error.issues, source.scalarText)) {
    result = schema.safeParse(root.value);
  }
  if (!result.success) throw new ConfigError(inFileOrder(problemsOf(result.error.issues, schema, source, root.value)));
  return {
    value: result.data,
    file,
    text,
    errorAt: (path, message) => new ConfigError([source.problem(path, message)]),
  };
}

function plainValue(source: YamlSource): unknown {
  try {
    return source.toValue();
  } catch (error) {
    throw new ConfigError([{ file: source.file, path: '', message: `not usable YAML: ${(error as Error).message}` }]);
  }
}

/**
 * Changes what YAML read differently from what the schema means: numbers and booleans where text is wanted become their
 * own text, and keys without a value go. Returns whether anything changed, so it ends.
 */
function adapt(
  root: { value: unknown },
  issues: readonly z.core.$ZodIssue[],
  scalarText: (path: readonly PropertyKey[]) => string | undefined,
): boolean {
  let changed = false;
  for (const { code, path, ...issue } of issues) {
    if (code !== 'invalid_type' && code !== 'invalid_union' && code !== 'invalid_value') continue;
    const parent = valueAt(root.value, path.slice(0, -1));
    const key = path.at(-1);
    if (key === undefined || typeof parent !== 'object' || parent === null) continue;
    const container = parent as Record<PropertyKey, unknown>;
    const value = container[key];
    if (value === null && !Array.isArray(container)) {
      delete container[key];
      changed = true;
    } else if ('expected' in issue && issue.expected === 'string' && ['number', 'boolean'].includes(typeof value)) {
      container[key] = scalarText(path) ?? String(value);
      changed = true;
    }
  }
  return changed;
}

function inFileOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
