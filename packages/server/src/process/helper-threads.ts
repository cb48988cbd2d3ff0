import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

const TASKS = '/proc/self/task';
/** What Node calls the helpers since its version 22.14. */
const HELPER = 'V8Worker';
/** Before that all threads have one name. Two come before the helpers: the main thread, and one for delays. */
const THREADS_BEFORE_HELPERS = 2;
const HELPERS = 4;
const LEAST_PRIORITY = 19;

/**
 * Lets V8's helper threads, which mark, sweep and compile, give way to all other threads of the process: each would ask
 * for as much of a processor as the main thread. Does nothing where they cannot be told or touched.
 * @param niceness how much it rises, as with `nice(1)`
 */
export function lowerHelperThreads(niceness: number): void {
  try {
    const lowered = Math.min(LEAST_PRIORITY, getPriority() + niceness);
    for (const id of helperThreads()) setPriority(id, lowered);
  } catch {
    // Not Linux, or one that forbids it.
  }
}

/** The ids of V8's helper threads; none where that is not sure. */
function helperThreads(): readonly number[] {
  const ids = readdirSync(TASKS)
    .map(Number)
    .sort((a, b) => a - b);
  const named = ids.filter((id) => readFileSync(`${TASKS}/${id}/comm`, 'latin1').trim() === HELPER);
  if (named.length > 0) return named;
  const hasUsualNumber = !/v8.pool.size/.test(`${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`);
  // Ids go up, until they begin anew with small ones.
  const isInOrder = ids[0] === process.pid;
  return hasUsualNumber && isInOrder ? ids.slice(THREADS_BEFORE_HELPERS, THREADS_BEFORE_HELPERS + HELPERS) : [];
}
