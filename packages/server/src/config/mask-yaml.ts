import { isAlias, isScalar, type Node, Pair, parseDocument, visit } from 'yaml';

/**
 * A YAML text with other text in place of some of its values, wherever and however they are written; everything else
 * stays as it is. Of a value that is an alias, the value that it stands for is replaced as well.
 * @param isMasked told the keys that lead to a value, the outermost first, without places in lists
 */
export function maskYaml(text: string, isMasked: (keys: readonly string[]) => boolean, mask: string): string {
  const document = parseDocument(text, { prettyErrors: false });
  const ranges = new Map<number, number>();
  const add = (node: Node | null | undefined): void => {
    if (node?.range) ranges.set(node.range[0], node.range[1]);
    if (isAlias(node)) add(node.resolve(document) as Node | undefined);
  };
  visit(document, {
    Pair(_key, pair, parents) {
      const value = pair.value as Node | null;
      if (value === null || (isScalar(value) && value.value === null)) return;
      const keys = [...parents, pair].filter((node) => node instanceof Pair).map(({ key }) => keyText(key));
      if (isMasked(keys)) add(value);
    },
  });
  let masked = '';
  let at = 0;
  for (const [start, end] of [...ranges].sort(([a], [b]) => a - b)) {
    // What is inside of something that is masked is gone already.
    if (start < at) continue;
    const written = text.slice(start, end);
    masked += text.slice(at, start) + mask + (/\s*$/.exec(written)?.[0] ?? '');
    at = end;
  }
  return masked + text.slice(at);
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}
