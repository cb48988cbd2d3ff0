import { ABSENT, allPresent, countPresent } from './value.ts';

const MAX_SHARED_TIMES = 4;

/** Gives out the times of the steps at which a series is present: one array for series present at the same. */
export function sharedTimes(times: Float64Array): (present: Uint8Array) => Float64Array {
  const all = allPresent(times.length);
  const recent: { readonly present: Uint8Array; readonly times: Float64Array }[] = [];
  return (present) => {
    if (present === all) return times;
    for (const known of recent) if (samePresence(known.present, present)) return known.times;
    const count = countPresent(present);
    if (count === times.length) return times;
    const own = new Float64Array(count);
    let n = 0;
    for (let i = 0; i < times.length; i++) if (present[i] !== ABSENT) own[n++] = times[i]!;
    recent.unshift({ present, times: own });
    if (recent.length > MAX_SHARED_TIMES) recent.pop();
    return own;
  };
}

function samePresence(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if ((a[i] === ABSENT) !== (b[i] === ABSENT)) return false;
  return true;
}
