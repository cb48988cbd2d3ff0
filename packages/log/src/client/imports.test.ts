import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** What a module loads at run time: type imports are gone by then. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, 'utf8').replace(/^(import|export) type [^;]*;/gm, '');
  return [...code.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, name]) => name!);
}

it('the client loads nothing of the database', () => {
  const packages = new Set<string>();
  const files = new Set([fileURLToPath(new URL('./index.ts', import.meta.url))]);
  for (const file of files) {
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) files.add(join(dirname(file), name));
      else if (!name.startsWith('node:')) packages.add(name);
    }
  }
  expect([...packages]).toEqual(['@opendata/wire']);
  const own = [...files]
    .map((file) => file.slice(file.indexOf('/src/') + 5))
    .filter((file) => !file.startsWith('client/'));
  expect(own.sort()).toEqual(['append-columns.ts', 'errors.ts', 'key-bytes.ts', 'wait-timer.ts']);
});
