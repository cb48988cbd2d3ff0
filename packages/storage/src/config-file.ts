import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { type Document, isMap, isNode, isPair, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { StorageError } from './errors.ts';

/** One fault of a configuration file. Lines and columns count from 1; both are 0 where the whole file is meant. */
export interface ConfigFileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, empty where the whole file is meant. */
  readonly key: string;
  /** What was expected and what was found instead. */
  readonly expected: string;
}

/** All faults of one file; the message has one line for each. Its code is `config`. */
export class ConfigFileError extends StorageError {
  readonly problems: readonly ConfigFileProblem[];

  constructor(problems: readonly ConfigFileProblem[], options: { cause?: unknown } = {}) {
    super('config', problems.map(problemLine).join('\n'), { ...options, details: { problems } });
    this.problems = problems;
  }
}

function problemLine({ file, line, column, key, expected }: ConfigFileProblem): string {
  return [line === 0 ? file : `${file}:${line}:${column}`, ...(key === '' ? [] : [key]), expected].join(': ');
}

/**
 * Reads a YAML or JSON file against a schema. An empty file counts as an empty mapping.
 * @throws ConfigFileError that names every wrong place
 */
export function readConfigFile<T>(file: string, schema: z.ZodType<T>): T {
  const format = extname(file).toLowerCase();
  if (!['.yaml', '.yml', '.json'].includes(format)) {
    throw wholeFile(file, `expected a YAML or JSON file (.yaml, .yml or .json), found '${format || 'no extension'}'`);
  }
  return parseConfigText(file, readText(file), schema);
}

/** As {@link readConfigFile}, of a text that is already here. */
export function parseConfigText<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problemAt = (offset: number, key: string, expected: string): ConfigFileProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, key, expected };
  };

  if (document.errors.length > 0) {
    throw new ConfigFileError(document.errors.map((e) => problemAt(e.pos[0], '', syntaxMessage(e.code, e.message))));
  }
  const result = schema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (result.success) return result.data;

  const problems = result.error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      const node = nodeAt(document, issue.path);
      const found = node.exact ? `, found ${shown(document.getIn(issue.path))}` : ', but it is missing';
      return [problemAt(node.offset, issue.path.join('.'), issue.message + found)];
    }
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const known = issue.message === '' ? '' : `: ${issue.message}`;
      return problemAt(nodeAt(document, path, 'key').offset, path.join('.'), `unknown key${known}`);
    });
  });
  throw new ConfigFileError(problems.sort((a, b) => a.line - b.line || a.column - b.column));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'the file does not exist' : `the file cannot be read (${code ?? String(error)})`;
    throw wholeFile(file, `${why}; expected a YAML or JSON file`, error);
  }
}

function wholeFile(file: string, expected: string, cause?: unknown): ConfigFileError {
  return new ConfigFileError([{ file, line: 0, column: 0, key: '', expected }], { cause });
}

function syntaxMessage(code: string, message: string): string {
  return code === 'DUPLICATE_KEY' ? 'this key is there twice; expected it once' : message;
}

/** Where the value (or key) of a path stands; where it is missing, its nearest parent. */
function nodeAt(
  document: Document.Parsed<ParsedNode>,
  path: readonly PropertyKey[],
  side: 'key' | 'value' = 'value',
): { offset: number; exact: boolean } {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [depth, name] of path.entries()) {
    const last = depth === path.length - 1;
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && isNode(item.key) && item.key.toJSON() === name)
      : undefined;
    const key = pair?.key;
    const value = pair ? pair.value : document.getIn([...path.slice(0, depth + 1)] as string[], true);
    if (value === undefined && key === undefined) return { offset, exact: false };
    // An absent value (`key:` and nothing) has no place of its own: its key stands for it.
    const target = last && side === 'key' ? key : isNode(value) && value.range?.[0] !== value.range?.[1] ? value : key;
    if (isNode(target)) offset = target.range?.[0] ?? offset;
    node = value;
  }
  return { offset, exact: true };
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return isMap(value) ? 'a mapping' : 'a list';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
