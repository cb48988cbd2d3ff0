import { isFolder, namesOf, playDisk, wholeContentOf } from './disk-model.ts';
import type { Recording } from './power-loss.ts';

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** How a manifest names a sorted file: the lower half of the number, which is random, in little-endian bytes. */
function lowerHalfOf(name: string): Buffer {
  let number = 0n;
  for (const letter of name.slice(0, 26)) number = number * 32n + BigInt(crockford.indexOf(letter));
  const half = Buffer.alloc(8);
  half.writeBigUInt64LE(BigInt.asUintN(64, number));
  return half;
}

/**
 * What is wrong with the links in `synced` at any of these lines, whether its last names have reached the disk or not: each is
 * a whole file, and what the manifest of the newest state names is there.
 * @returns what is wrong, and how many sorted files the manifests name together
 */
export function wrongStates({ calls }: Recording, databaseFolder: string, lines: readonly number[]) {
  const root = databaseFolder.slice(0, databaseFolder.lastIndexOf('/'));
  const sorted = new Map<string, Buffer>();
  for (const { args } of calls) {
    const name = /\/compacted\/([0-9A-Z]{26}\.sst)"/.exec(args)?.[1];
    if (name !== undefined) sorted.set(name, lowerHalfOf(name));
  }
  const wrong = new Set<string>();
  let named = 0;
  const disk = playDisk(calls, root);
  for (const line of lines) {
    const database = disk(line).names.get(databaseFolder.slice(root.length + 1));
    const synced = database !== undefined && isFolder(database) ? database.names.get('synced') : undefined;
    if (synced === undefined || !isFolder(synced)) {
      wrong.add(`line ${line}: no links`);
      continue;
    }
    for (const changes of new Set([synced.durable, synced.changes.length])) {
      const names = namesOf(synced, changes);
      for (const [name, node] of names)
        if (wholeContentOf(node) === undefined) wrong.add(`line ${line}: ${name} is not whole`);
      const state = [...names.keys()]
        .filter((name) => name.startsWith('at-'))
        .sort()
        .at(-1);
      const [, manifest = 'no', compactions = 'no'] = state?.split('-') ?? [];
      const bytes = wholeContentOf(names.get(`${manifest}.manifest`));
      if (bytes === undefined) wrong.add(`line ${line}: no manifest of ${state}`);
      if (Number(compactions) > 0 && !names.has(`${compactions}.compactions`)) wrong.add(`line ${line}: ${state}`);
      for (const [name, half] of sorted) {
        if (bytes?.includes(half) !== true) continue;
        named++;
        if (!names.has(name)) wrong.add(`line ${line}: ${name} of ${state}`);
      }
    }
  }
  return { wrong: [...wrong], named };
}
