const MAX_TEXTS = 256;
const MAX_CHARACTERS = 4096;

/**
 * A parser that remembers what it has made of up to 256 texts of up to 4096 characters: dashboards and rules ask the same
 * again and again. What is parsed is shared, so nobody may change it. What `parse` throws is thrown each time.
 */
export function remembered<T extends object>(parse: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const parsed = parse(text);
    if (known.size >= MAX_TEXTS) known.clear();
    if (text.length <= MAX_CHARACTERS) known.set(text, parsed);
    return parsed;
  };
}
