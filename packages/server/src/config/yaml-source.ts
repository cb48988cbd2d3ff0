import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import type { ConfigProblem } from './config-error.ts';
import { printPath } from './config-error.ts';

type Path = readonly PropertyKey[];

/** A parsed YAML file that can say where each of its values is written. */
export interface YamlSource {
  readonly file: string;
  /** Plain values; an empty file is an empty mapping. */
  toValue(): unknown;
  /** What is wrong with the text itself: syntax, duplicate keys, unknown aliases. */
  readonly problems: readonly ConfigProblem[];
  /** A problem at the value that `path` leads to, or at the nearest thing around it. */
  problem(path: Path, message: string): ConfigProblem;
  /** A problem at a key. */
  keyProblem(path: Path, message: string): ConfigProblem;
  /** The text of a plain scalar, as it is written. */
  scalarText(path: Path): string | undefined;
}

export function parseYaml(text: string, file: string): YamlSource {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false, uniqueKeys: true });
  const document: Document | undefined = Array.isArray(documents) ? documents[0] : undefined;

  function at(offset: number | undefined, path: Path, message: string): ConfigProblem {
    if (offset === undefined) return { file, path: printPath(path), message };
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col, path: printPath(path), message };
  }

  const problems =
    document === undefined
      ? []
      : [...document.errors, ...document.warnings].map(({ pos, code, message }) =>
          at(pos[0], [], yamlMessage(code, message, text.slice(pos[0]))),
        );
  if (document !== undefined) {
    for (const alias of unresolvedAliases(document)) {
      problems.push(at(alias.range?.[0], [], `expected an alias of an anchor above, found *${alias.source}`));
    }
  }
  if (Array.isArray(documents) && documents.length > 1) {
    problems.push(at(documents[1]!.range[0], [], 'expected one YAML document, found a second one'));
  }

  return {
    file,
    problems,
    toValue: () => document?.toJS({ maxAliasCount: 1000 }) ?? {},
    problem: (path, message) => at(document && offsetOf(document, path, false), path, message),
    keyProblem: (path, message) => at(document && offsetOf(document, path, true), path, message),
    scalarText: (path) => {
      const node = document && nodeAt(document, path);
      return isScalar(node) ? node.source : undefined;
    },
  };
}

/** @param rest the file from the place of the error on */
function yamlMessage(code: string, text: string, rest: string): string {
  if (code === 'DUPLICATE_KEY') {
    const key = /^[\w.-]+/.exec(rest)?.[0];
    return `expected each key once, found ${key === undefined ? 'this one' : JSON.stringify(key)} a second time`;
  }
  const message = text.split('\n')[0]!;
  return `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

function unresolvedAliases(document: Document): Alias[] {
  const unresolved: Alias[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) === undefined) unresolved.push(alias);
    },
  });
  return unresolved;
}

function nodeAt(document: Document, path: Path): Node | null | undefined {
  let node = resolve(document, document.contents);
  for (const step of path) node = resolve(document, childAt(node, step));
  return node;
}

function resolve(document: Document, node: unknown): Node | null | undefined {
  return (isAlias(node) ? node.resolve(document) : node) as Node | null | undefined;
}

function childAt(node: Node | null | undefined, step: PropertyKey): unknown {
  if (!isCollection(node)) return undefined;
  if (!isMap(node)) return node.items[Number(step)];
  return pairAt(node, step)?.value;
}

function pairAt(node: Node | null | undefined, step: PropertyKey) {
  if (!isMap(node)) return undefined;
  return node.items.find(
    (pair) => isPair(pair) && String(isScalar(pair.key) ? pair.key.value : pair.key) === String(step),
  );
}

/** Where the value, its key, or the nearest enclosing thing that exists begins. */
function offsetOf(document: Document, path: Path, atKey: boolean): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(document, path.slice(0, length - 1));
    const key = pairAt(parent, path[length - 1]!)?.key as Node | undefined;
    const value = nodeAt(document, path.slice(0, length));
    const exact = length === path.length;
    const isWritten = value?.range != null && !(isScalar(value) && value.value === null && value.source === '');
    const node = key !== undefined && (!exact || atKey || !isWritten) ? key : value;
    if (node?.range) return node.range[0];
  }
  return resolve(document, document.contents)?.range?.[0] ?? 0;
}
