import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** With so many processors there is one to spare for each thread of V8's garbage collector. */
const ENOUGH_PROCESSORS = 4;
const ONE_THREAD = [
  '--no-parallel-scavenge',
  '--no-parallel-compaction',
  '--no-parallel-pointer-update',
  '--concurrent-marking-max-worker-num=1',
];

/**
 * Has V8's garbage collector do the work of a pause on the main thread alone, and mark beside it with one thread, where
 * there are few processors. Its helpers, four of them, have to share those with us and with the storage engine, and a
 * pause of a millisecond becomes one of 20 or 100 while the main thread waits for one that does not run.
 */
export function collectWithFewThreads(processors = availableParallelism()): void {
  if (processors >= ENOUGH_PROCESSORS) return;
  for (const flag of ONE_THREAD) setFlagsFromString(flag);
}
