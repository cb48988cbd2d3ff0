import type { BinaryExpr } from '../../ast.ts';
import { type QueryContext, WORK_PER_SERIES } from '../context.ts';
import { mergeResults } from '../series.ts';
import { ABSENT, countPresent, type Grid, type StepSeries, type VectorValue } from '../value.ts';
import { signatureOf } from './signature.ts';

/** By signature, the steps at which any series of that signature is present. */
async function presenceBySignature(
  ctx: QueryContext,
  series: readonly StepSeries[],
  signature: (labels: StepSeries['labels']) => string,
): Promise<Map<string, Uint8Array>> {
  const presence = new Map<string, Uint8Array>();
  const own = new Set<Uint8Array>();
  for (const { labels, present } of series) {
    const key = signature(labels);
    let known = presence.get(key);
    if (known === undefined) presence.set(key, present);
    else {
      if (!own.has(known)) {
        own.add((known = known.slice()));
        presence.set(key, known);
      }
      for (let i = 0; i < present.length; i++) known[i]! |= present[i]!;
    }
    if (ctx.due(present.length + WORK_PER_SERIES)) await ctx.pause();
  }
  return presence;
}

/** The series at the steps where `mask` is present (or, with `keep` false, is not); `undefined` where nothing is left. */
function masked(element: StepSeries, mask: Uint8Array | undefined, keep: boolean): StepSeries | undefined {
  if (mask === undefined) return keep ? undefined : element;
  const present = element.present.slice();
  for (let i = 0; i < present.length; i++) if ((mask[i] !== ABSENT) !== keep) present[i] = ABSENT;
  return countPresent(present) === 0 ? undefined : { ...element, present };
}

/** `and`, `or`, `unless`. */
export async function setOperation(
  ctx: QueryContext,
  node: BinaryExpr,
  left: VectorValue,
  right: VectorValue,
  grid: Grid,
): Promise<VectorValue> {
  const signature = signatureOf(node.matching!);
  const isOr = node.op === 'or';
  const filtered = isOr ? right.series : left.series;
  const presence = await presenceBySignature(ctx, isOr ? left.series : right.series, signature);
  const series: StepSeries[] = isOr ? [...left.series] : [];
  for (const element of filtered) {
    const kept = masked(element, presence.get(signature(element.labels)), node.op === 'and');
    if (kept !== undefined) series.push(kept);
    if (ctx.due(element.present.length + WORK_PER_SERIES)) await ctx.pause();
  }
  return { kind: 'vector', series: isOr ? await mergeResults(ctx, series, grid) : series };
}
