import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turns.ts';
import { createYielder } from './yielder.ts';

/** Keeps the thread busy. */
function work(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

it('lets the event loop run three times between two pieces, so that a request gets through its steps', async () => {
  const turns = new Turns(() => 0);
  let steps = 0;
  let isOver = false;
  const request = (async () => {
    while (!isOver) {
      await nextTurn();
      steps++;
    }
  })();
  for (let piece = 0; piece < 10; piece++) await turns.next();
  isOver = true;
  expect(steps).toBeGreaterThanOrEqual(20);
  await request;
});

it('runs one piece at a time, in the order in which they were asked for', async () => {
  const turns = new Turns(() => 0);
  const order: string[] = [];
  let loops = 0;
  let isOver = false;
  const counting = (async () => {
    while (!isOver) {
      await nextTurn();
      loops++;
    }
  })();
  const task = async (name: string) => {
    for (let i = 0; i < 3; i++) {
      await turns.next();
      order.push(`${name}${loops}`);
    }
  };
  await Promise.all([task('a'), task('b'), task('c')]);
  isOver = true;
  await counting;
  expect(order.map((entry) => entry[0]).join('')).toBe('abcabcabc');
  // Never two in one turn of the event loop.
  expect(new Set(order.map((entry) => entry.slice(1))).size).toBe(9);
});

it('makes pieces longer where others go on to have much to do, up to a limit, but not for one pause', async () => {
  let nowMs = 0;
  const turns = new Turns(() => nowMs);
  const lengthAfterOthers = async (ms: number, times: number) => {
    for (let i = 0; i < times; i++) {
      setImmediate(() => (nowMs += ms));
      await turns.next();
    }
    return turns.lengthMs;
  };
  expect(await lengthAfterOthers(0, 1)).toBe(2);
  expect(await lengthAfterOthers(50, 1)).toBe(2);
  expect(await lengthAfterOthers(0, 10)).toBe(2);
  expect(await lengthAfterOthers(3, 100)).toBeCloseTo(6);
  expect(await lengthAfterOthers(50, 100)).toBeCloseTo(8);
  expect(await lengthAfterOthers(0, 100)).toBe(2);
});

it('may have pieces that are over at once', async () => {
  let nowMs = 0;
  const turns = new Turns(() => nowMs, 0);
  expect(turns.lengthMs).toBe(0);
  setImmediate(() => (nowMs += 3));
  await turns.next();
  expect(turns.lengthMs).toBe(0);
});

it('a yielder asks for no turn before its time is over, and throws once aborted', async () => {
  const controller = new AbortController();
  const yielder = createYielder(controller.signal, 1);
  controller.abort(new Error('gone'));
  await nextTurn();
  work(2);
  await expect(yielder()).rejects.toThrow('gone');
  const patient = createYielder(undefined, 1000);
  let loops = 0;
  setImmediate(() => loops++);
  await patient();
  expect(loops).toBe(0);
});
