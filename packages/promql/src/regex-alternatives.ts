/**
 * The alternatives at the top of a pattern, be it in parentheses as a whole; `undefined` where they cannot be told apart
 * without understanding everything: flags, names and quoted text reach over what stands between bars.
 */
export function alternativesOf(pattern: string): readonly string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let firstClosed = -1;
  for (let i = 0; i < pattern.length; i++) {
    switch (pattern[i]) {
      case '\\':
        if (pattern[i + 1] === 'Q') return undefined;
        i++;
        break;
      case '[':
        i = endOfClass(pattern, i);
        if (i < 0) return undefined;
        break;
      case '(':
        if (pattern[i + 1] === '?' && pattern[i + 2] !== ':') return undefined;
        depth++;
        break;
      case ')':
        depth--;
        if (depth < 0) return undefined;
        if (depth === 0 && firstClosed < 0) firstClosed = i;
        break;
      case '|':
        if (depth > 0) break;
        parts.push(pattern.slice(start, i));
        start = i + 1;
        break;
    }
  }
  if (depth > 0) return undefined;
  if (parts.length === 0 && pattern.startsWith('(') && firstClosed === pattern.length - 1) {
    return alternativesOf(pattern.slice(pattern.startsWith('(?:') ? 3 : 1, -1));
  }
  parts.push(pattern.slice(start));
  return parts;
}

/** Index of the bracket that closes a class; -1 where there is none, or a class with a name inside. */
function endOfClass(pattern: string, open: number): number {
  let i = open + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') i++;
  for (; i < pattern.length; i++) {
    if (pattern[i] === ']') return i;
    if (pattern[i] === '[') return -1;
    if (pattern[i] === '\\') i++;
  }
  return -1;
}
