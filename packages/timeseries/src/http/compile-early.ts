import { setFlagsFromString } from 'node:v8';

let isOn = false;

/**
 * From the first query on V8 compiles functions at their first call: each kind of query has code of its own, which a
 * server runs a few dozen times before V8 would compile it. Not from the start, as taking in samples would cost
 * a twentieth more of CPU while it is new.
 */
export function compileFromNowOn(): void {
  if (isOn) return;
  isOn = true;
  setFlagsFromString('--always-sparkplug');
}
