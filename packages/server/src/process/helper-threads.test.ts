import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { describe, expect, it } from 'vitest';
import { lowerHelperThreads } from './helper-threads.ts';

const TASKS = '/proc/self/task';
const own = getPriority();

interface Thread {
  readonly id: number;
  readonly name: string;
  readonly niceness: number;
}

/** In the order of their ids; those of other tests in this process may end meanwhile. */
function threads(): Thread[] {
  const ids = readdirSync(TASKS)
    .map(Number)
    .sort((a, b) => a - b);
  return ids.flatMap((id) => {
    try {
      const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`${TASKS}/${id}/stat`, 'latin1'))!;
      return [{ id, name: name!, niceness: Number(rest!.split(' ')[16]) }];
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  });
}

describe.skipIf(!existsSync(TASKS) || own > 15)('the helper threads of V8', () => {
  it('are made to give way, and no other threads', () => {
    const before = threads();
    expect(new Set(before.map(({ niceness }) => niceness))).toEqual(new Set([own]));
    lowerHelperThreads(3);
    const after = threads();
    // Without names they are told by their ids, unless those have begun anew with small ones since the process began.
    const canBeTold = before.some(({ name }) => name === 'V8Worker') || before[0]!.id === process.pid;
    expect(after.find(({ id }) => id === process.pid)!.niceness).toBe(own);
    expect(after.filter(({ niceness }) => niceness === own + 3)).toHaveLength(canBeTold ? 4 : 0);
    expect(after.filter(({ niceness }) => niceness === own)).toHaveLength(after.length - (canBeTold ? 4 : 0));
  });
});
