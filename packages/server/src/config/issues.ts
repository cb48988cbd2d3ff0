import type { z } from 'zod';
import { didYouMean } from '../suggest.ts';
import { type ConfigProblem, printPath } from './config-error.ts';
import { type MemberKeys, memberKeys, schemaKeys } from './schema-keys.ts';
import { valueAt } from './value-at.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

/** Turns what a schema found into problems with positions, in words of expected and found. */
export function problemsOf(
  issues: readonly Issue[],
  schema: z.ZodType,
  source: YamlSource,
  root: unknown,
  prefix: readonly PropertyKey[] = [],
): ConfigProblem[] {
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const known = schemaKeys(schema, path);
      const member = memberKeys(schema, path, valueAt(root, path));
      return issue.keys.map((key) => source.keyProblem([...path, key], unknownKey(key, known, member)));
    }
    if (issue.code === 'invalid_key') {
      const reason = issue.issues[0] === undefined ? 'not allowed' : expectation(issue.issues[0]);
      return [source.keyProblem(path, `${reason} as the key, found ${describe(path.at(-1))}`)];
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const branch = nearestBranch(issue.errors);
      if (branch !== undefined) return problemsOf(branch, schema, source, root, path);
    }
    const message = expectation(issue);
    const isComplete = !message.startsWith('expected') || /, found |: /.test(message);
    return [source.problem(path, isComplete ? message : `${message}, found ${foundAt(root, path, source)}`)];
  });
}

/** What an issue asks for, beginning with `expected` unless the schema brought a message of another kind. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'nonoptional') return 'the key is missing';
      return isOwnMessage(issue.message) ? issue.message : `expected ${typeName(issue.expected)}`;
    case 'invalid_value':
      return isOwnMessage(issue.message) ? issue.message : `expected ${listOf(issue.values)}`;
    case 'too_small':
      return boundMessage(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return boundMessage(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_union': {
      const options: unknown = 'options' in issue ? issue.options : undefined;
      if (Array.isArray(options)) return `expected ${listOf(options)}`;
      if (isOwnMessage(issue.message)) return issue.message;
      const types = issue.errors.map(
        (errors) => errors.map((error) => expectation(error).replace(/^expected /, ''))[0],
      );
      return `expected ${[...new Set(types)].join(' or ')}`;
    }
    case 'invalid_format':
      return isOwnMessage(issue.message) ? issue.message : `expected ${formatName(issue)}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    default:
      return issue.message;
  }
}

/** Zod's own messages begin in capitals; those that a schema of ours brings do not. */
function isOwnMessage(message: string): boolean {
  return /^[a-z]/.test(message);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  tuple: 'a list',
  null: 'nothing',
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

function boundMessage(issue: Issue & { origin: string }, relation: string, bound: number | bigint): string {
  if (isOwnMessage(issue.message)) return issue.message;
  if (issue.origin === 'string') {
    return bound === 1n || bound === 1
      ? 'expected a string that is not empty'
      : `expected ${relation} ${bound} characters`;
  }
  if (issue.origin === 'array') return `expected ${relation} ${bound} ${Number(bound) === 1 ? 'entry' : 'entries'}`;
  return `expected ${relation} ${bound}`;
}

function formatName(issue: Issue & { code: 'invalid_format' }): string {
  if (issue.format === 'regex') return `text that matches ${issue.pattern}`;
  return issue.format === 'url' ? 'a URL' : `text of the form ${issue.format}`;
}

function listOf(values: readonly unknown[]): string {
  const texts = values.map((value) => String(value));
  return texts.length === 1 ? texts[0]! : `one of ${texts.join(', ')}`;
}

/** The union member that the value was probably meant for: the one whose complaints lie deepest. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const structural = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  );
  return structural.sort((a, b) => a.length - b.length)[0];
}

const SECRET_KEY = /password|secret|token|credential|private_key|access_key/i;

function foundAt(root: unknown, path: readonly PropertyKey[], source: YamlSource): string {
  const value = valueAt(root, path);
  if (value === undefined && path.length > 0) return source.scalarText(path) === undefined ? 'no such key' : 'nothing';
  return SECRET_KEY.test(printPath(path)) && typeof value === 'string' ? 'a string' : describe(value);
}

/** A value in the words of an error message, shortened. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = value.length > 60 ? `${value.slice(0, 57)}...` : value;
  return JSON.stringify(text);
}

function unknownKey(key: string, known: readonly string[], member: MemberKeys | undefined): string {
  if (member === undefined) return `unknown key${didYouMean(key, known) || knownKeys(known)}`;
  if (known.includes(key)) return `not a key of ${member.member}${knownKeys(member.keys)}`;
  return `unknown key${didYouMean(key, member.keys) || knownKeys(member.keys)}`;
}

function knownKeys(keys: readonly string[]): string {
  if (keys.length === 0 || keys.length > 12) return '';
  return `; expected ${keys.length === 1 ? keys[0] : `one of ${keys.join(', ')}`}`;
}
