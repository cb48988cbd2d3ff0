import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { describe, expect, it } from 'vitest';
import { lowerHelperThreads } from './helper-threads.ts';

const TASKS = '/proc/self/task';
const own = getPriority();

/** By thread, in the order of their ids. */
function nicenesses(): number[] {
  const ids = readdirSync(TASKS)
    .map(Number)
    .sort((a, b) => a - b);
  return ids.map((id) => Number(readFileSync(`${TASKS}/${id}/stat`, 'latin1').split(') ')[1]!.split(' ')[16]));
}

describe.skipIf(!existsSync(TASKS) || own > 15)('the helper threads of V8', () => {
  it('are made to give way, and no other threads', () => {
    const before = nicenesses();
    expect(new Set(before)).toEqual(new Set([own]));
    lowerHelperThreads(3);
    const after = nicenesses();
    expect(after[0]).toBe(own);
    expect(after.filter((niceness) => niceness === own + 3)).toHaveLength(4);
    expect(after.filter((niceness) => niceness === own)).toHaveLength(after.length - 4);
  });
});
