const RUN = 1024;
const MERGES_PER_TURN = 2048;

/** Sorts `ids` in place, stable, and gives the event loop its turns. */
export async function sortYielding(
  ids: Uint32Array,
  compare: (a: number, b: number) => number,
  yielder: () => Promise<void>,
): Promise<void> {
  for (let from = 0; from < ids.length; from += RUN) {
    ids.subarray(from, from + RUN).sort(compare);
    await yielder();
  }
  let source = ids;
  let target = new Uint32Array(ids.length <= RUN ? 0 : ids.length);
  for (let width = RUN; width < ids.length; width *= 2) {
    for (let from = 0; from < ids.length; from += 2 * width) {
      const middle = Math.min(from + width, ids.length);
      const end = Math.min(from + 2 * width, ids.length);
      let a = from;
      let b = middle;
      for (let at = from; at < end; at++) {
        const isFirst = b === end || (a < middle && compare(source[a]!, source[b]!) <= 0);
        target[at] = isFirst ? source[a++]! : source[b++]!;
        if (at % MERGES_PER_TURN === 0) await yielder();
      }
    }
    [source, target] = [target, source as Uint32Array<ArrayBuffer>];
  }
  if (source !== ids) ids.set(source);
}
