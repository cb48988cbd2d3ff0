import { expect, it } from 'vitest';
import { WorkPacer } from './yielding.ts';

/** In the next turn of the event loop somebody else works for a ms. */
function keepBusy(): void {
  setImmediate(() => {
    const endMs = performance.now() + 1;
    while (performance.now() < endMs) {}
  });
}

it('asks whether it has to hurry where others are busy, and goes on either way', async () => {
  for (const isHurried of [true, false]) {
    let asked = 0;
    const pacer = new WorkPacer(undefined, () => {
      asked++;
      return isHurried;
    });
    keepBusy();
    await pacer.pause();
    expect(asked).toBe(1);
  }
});

it('is called off while it rests', async () => {
  const stopping = new AbortController();
  const pacer = new WorkPacer(stopping.signal, () => {
    stopping.abort(new Error('closing'));
    return false;
  });
  keepBusy();
  await expect(pacer.pause()).rejects.toThrow('closing');
});
