import { setFlagsFromString } from 'node:v8';
import { optimiseForQueries } from '../compile-budget.ts';

let isOn = false;

/**
 * From the first query on V8 compiles functions at their first call, and optimises them sooner: each kind of query has
 * code of its own, which a server runs a few dozen times before V8 would compile it. Not from the start, as taking in
 * samples would cost a tenth more of CPU while it is new.
 */
export function compileFromNowOn(): void {
  if (isOn) return;
  isOn = true;
  setFlagsFromString('--always-sparkplug');
  optimiseForQueries();
}
