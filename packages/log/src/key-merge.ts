import { compareKeys } from './key-bytes.ts';

/** The distinct keys of several ordered sources, in order. Keys are copied. */
export async function* mergeKeys(sources: readonly AsyncGenerator<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  const open: { source: AsyncGenerator<Uint8Array>; key: Uint8Array }[] = [];
  try {
    for (const source of sources) {
      const first = await source.next();
      if (!first.done) open.push({ source, key: first.value });
    }
    while (open.length > 0) {
      let least = open[0]!.key;
      for (const entry of open) if (compareKeys(entry.key, least) < 0) least = entry.key;
      const key = least.slice();
      yield key;
      for (let i = open.length - 1; i >= 0; i--) {
        const entry = open[i]!;
        if (compareKeys(entry.key, key) !== 0) continue;
        const next = await entry.source.next();
        if (next.done) open.splice(i, 1);
        else entry.key = next.value;
      }
    }
  } finally {
    for (const source of sources) await source.return(undefined);
  }
}

/** Whether `key` starts with `prefix`. */
export function hasPrefix(key: Uint8Array, prefix: Uint8Array): boolean {
  if (key.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false;
  return true;
}
