import { ABSENT, allPresent, countPresent } from './value.ts';

const MAX_SHARED_TIMES = 4;
/** Of columns that several series share, so many are remembered. */
const MAX_SHARED_COLUMNS = 1024;

/** Gives out the times of the steps at which a series is present: one array for series present at the same. */
export function sharedTimes(times: Float64Array): (present: Uint8Array) => Float64Array {
  const all = allPresent(times.length);
  const known = new Map<Uint8Array, Float64Array>();
  const recent: { readonly present: Uint8Array; readonly times: Float64Array }[] = [];
  const timesOf = (present: Uint8Array): Float64Array => {
    for (const other of recent) if (samePresence(other.present, present)) return other.times;
    const count = countPresent(present);
    if (count === times.length) return times;
    const own = timesOfSteps(times, present, count);
    recent.unshift({ present, times: own });
    if (recent.length > MAX_SHARED_TIMES) recent.pop();
    return own;
  };
  return (present) => {
    if (present === all) return times;
    let own = known.get(present);
    if (own === undefined) {
      own = timesOf(present);
      if (known.size < MAX_SHARED_COLUMNS) known.set(present, own);
    }
    return own;
  };
}

/** The times of the `count` steps that are present. */
function timesOfSteps(times: Float64Array, present: Uint8Array, count: number): Float64Array {
  let first = 0;
  while (present[first] === ABSENT) first++;
  let end = times.length;
  while (end > first && present[end - 1] === ABSENT) end--;
  if (end - first === count) return stretchOf(times, first, end);
  const own = new Float64Array(count);
  let n = 0;
  for (let i = first; i < end; i++) if (present[i] !== ABSENT) own[n++] = times[i]!;
  return own;
}

const MAX_STRETCHES = 8;
const stretches = new WeakMap<Float64Array, Float64Array[]>();

/** The times of steps in a row: the same array as lately, as what is known of it, such as its text, is found by it. */
function stretchOf(times: Float64Array, first: number, end: number): Float64Array {
  let known = stretches.get(times);
  if (known === undefined) stretches.set(times, (known = []));
  const length = end - first;
  for (const part of known) if (part.length === length && part[0] === times[first]) return part;
  const part = times.subarray(first, end);
  known.unshift(part);
  if (known.length > MAX_STRETCHES) known.pop();
  return part;
}

function samePresence(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if ((a[i] === ABSENT) !== (b[i] === ABSENT)) return false;
  return true;
}
