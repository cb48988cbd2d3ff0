import type { QueryContext } from '../context.ts';
import { sortInTurns } from '../finish.ts';
import { ABSENT, FLOAT, GATHER_WORK, type StepSeries } from '../value.ts';
import type { Group } from './grouping.ts';
import { createRows, gatherRows, type Rows } from './rows.ts';

/**
 * A heap of member indexes whose root is the element to be replaced first: the smallest value for `topk`, the largest
 * for `bottomk`; NaN always. Sifting follows Go's container/heap, which decides which of equal values stay.
 */
interface Heap {
  readonly members: Int32Array;
  readonly values: Float64Array;
  size: number;
}

/** Whether `a` comes nearer to the root than `b`. sign 1: topk, -1: bottomk */
function before(a: number, b: number, sign: number): boolean {
  return Number.isNaN(a) || a * sign < b * sign;
}

function swap({ members, values }: Heap, i: number, j: number): void {
  const member = members[i]!;
  const value = values[i]!;
  members[i] = members[j]!;
  values[i] = values[j]!;
  members[j] = member;
  values[j] = value;
}

function push(heap: Heap, member: number, value: number, sign: number): void {
  let i = heap.size++;
  heap.members[i] = member;
  heap.values[i] = value;
  while (i > 0) {
    const parent = (i - 1) >>> 1;
    if (!before(heap.values[i]!, heap.values[parent]!, sign)) break;
    swap(heap, i, parent);
    i = parent;
  }
}

function siftRoot(heap: Heap, sign: number): void {
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.size) return;
    if (child + 1 < heap.size && before(heap.values[child + 1]!, heap.values[child]!, sign)) child++;
    if (!before(heap.values[child]!, heap.values[i]!, sign)) return;
    swap(heap, i, child);
    i = child;
  }
}

/** Fills the heap with the k best members of a row. */
function selectFrom({ length, values, members, counts }: Rows, row: number, k: number, heap: Heap, sign: number): void {
  const end = row * length + counts[row]!;
  heap.size = 0;
  for (let at = row * length; at < end; at++) {
    const value = values[at]!;
    if (heap.size < k) push(heap, members[at]!, value, sign);
    else {
      const root = heap.values[0]!;
      if (root * sign < value * sign || (Number.isNaN(root) && !Number.isNaN(value))) {
        heap.members[0] = members[at]!;
        heap.values[0] = value;
        if (k > 1) siftRoot(heap, sign);
      }
    }
  }
}

/** Larger heaps are sorted in turns. */
const MAX_SORTED_AT_ONCE = 64;

/** Best first; equal values keep their heap order. */
async function sortHeap(ctx: QueryContext, heap: Heap, sign: number): Promise<void> {
  if (heap.size > MAX_SORTED_AT_ONCE) {
    const entries = Array.from({ length: heap.size }, (_, i) => ({ member: heap.members[i]!, value: heap.values[i]! }));
    const isWorse = (a: number, b: number) => before(a, b, sign) && !before(b, a, sign);
    const sorted = await sortInTurns(ctx, entries, ({ value: a }, { value: b }) =>
      isWorse(a, b) ? 1 : isWorse(b, a) ? -1 : 0,
    );
    for (const [i, { member, value }] of sorted.entries()) {
      heap.members[i] = member;
      heap.values[i] = value;
    }
    return;
  }
  for (let i = 1; i < heap.size; i++) {
    for (let j = i; j > 0 && before(heap.values[j - 1]!, heap.values[j]!, sign); j--) {
      if (!before(heap.values[j]!, heap.values[j - 1]!, sign)) swap(heap, j, j - 1);
      else break;
    }
  }
}

/** `topk` (sign 1) and `bottomk` (sign -1) of one group. @param ks by step, at least 0 */
export async function topOfGroup(
  ctx: QueryContext,
  group: Group,
  ks: Float64Array,
  sign: 1 | -1,
): Promise<StepSeries[]> {
  const { members } = group;
  const count = ks.length;
  const capacity = Math.min(members.length, Math.max(0, ...ks));
  const heap: Heap = { members: new Int32Array(capacity), values: new Float64Array(capacity), size: 0 };
  const masks = new Map<number, Uint8Array>();
  const rows = createRows(count, members.length);
  for (let step = 0; step < count; step++) {
    const row = step % rows.steps;
    if (row === 0) gatherRows(members, step, Math.min(count, step + rows.steps), rows);
    if (ctx.due(members.length * GATHER_WORK)) await ctx.pause();
    const k = Math.min(ks[step]!, capacity);
    if (k < 1) continue;
    selectFrom(rows, row, k, heap, sign);
    if (count === 1) await sortHeap(ctx, heap, sign);
    for (let i = 0; i < heap.size; i++) {
      const m = heap.members[i]!;
      let mask = masks.get(m);
      if (mask === undefined) masks.set(m, (mask = new Uint8Array(count)));
      mask[step] = FLOAT;
    }
  }
  return [...masks].map(([m, present]) => ({ ...members[m]!, present, histograms: undefined }));
}

/** `limitk`: the first k members that are present, floats and histograms alike. */
export async function firstOfGroup(ctx: QueryContext, group: Group, ks: Float64Array): Promise<StepSeries[]> {
  const taken = new Float64Array(ks.length);
  const kept: StepSeries[] = [];
  for (const member of group.members) {
    const present = new Uint8Array(ks.length);
    let any = false;
    for (let step = 0; step < ks.length; step++) {
      if (member.present[step] === ABSENT || taken[step]! >= ks[step]!) continue;
      taken[step]!++;
      present[step] = member.present[step]!;
      any = true;
    }
    if (any) kept.push({ ...member, present });
    if (ctx.due(ks.length)) await ctx.pause();
  }
  return kept;
}
