import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { lowerHelperThreads } from './helper-threads.ts';

/** With so many processors there is one to spare for each thread of V8's garbage collector. */
const ENOUGH_PROCESSORS = 4;
const MAIN_THREAD_ONLY = ['--no-parallel-scavenge', '--no-parallel-compaction', '--no-parallel-pointer-update'];
/** Four helpers together then weigh less than half of what the main thread does. */
const NICENESS = 10;

/**
 * Has V8's garbage collector do the work of a pause on the main thread alone where there are few processors, and what its
 * helpers, four of them, do beside it when nobody else of the process has something to do. They would have to share the
 * processors with us and with the storage engine, and a pause of a millisecond becomes one of 20 or 100 while the main
 * thread waits for one that does not run. How many of them mark is settled before we can say something.
 */
export function collectWithFewThreads(processors = availableParallelism()): void {
  if (processors >= ENOUGH_PROCESSORS) return;
  for (const flag of MAIN_THREAD_ONLY) setFlagsFromString(flag);
  lowerHelperThreads(NICENESS);
}
