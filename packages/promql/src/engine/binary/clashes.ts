import type { VectorMatching } from '../../ast.ts';
import { compareStrings, type Labels, labelsKey } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { formatLabels } from '../series.ts';
import { ABSENT, GATHER_WORK, type StepSeries, type VectorValue } from '../value.ts';
import { matchLabels } from './signature.ts';

/** Why matching fails at a step. */
export interface Clash {
  readonly step: number;
  /** Which of several clashes at a step is told. */
  readonly order: number;
  readonly message: string;
}

/**
 * The "one" side has at most one series of a match group at a time, unless the other side is empty then and not filled
 * in: finds the first step at which it is otherwise.
 */
export async function findDuplicates(
  ctx: QueryContext,
  matching: VectorMatching,
  group: readonly StepSeries[],
  one: VectorValue,
  isAnyMany: (step: number) => boolean,
  side: 'left' | 'right',
): Promise<Clash | undefined> {
  const count = group[0]!.present.length;
  const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  for (let step = 0; step < count; step++) {
    let seen: StepSeries | undefined;
    for (const element of group) {
      if (element.present[step] === ABSENT) continue;
      if (seen === undefined) seen = element;
      else if (fills || isAnyMany(step)) {
        const pair = [seen.labels, element.labels].map(formatLabels).sort(compareStrings).join(', ');
        const message =
          `found duplicate series for the match group ${formatLabels(matchLabels(element.labels, matching))} ` +
          `on the ${side} hand-side of the operation: [${pair}]` +
          ';many-to-many matching not allowed: matching labels must be unique on one side';
        return { step, order: one.series.indexOf(element), message };
      } else break;
    }
    if (ctx.due(group.length * GATHER_WORK)) await ctx.pause();
  }
  return undefined;
}

/** A function of the step that is called once for each. */
export function memoized(count: number, compute: (step: number) => boolean): (step: number) => boolean {
  const known: (boolean | undefined)[] = new Array(count);
  return (step) => (known[step] ??= compute(step));
}

/** The steps at which a pair of series meets, whether or not a comparison then filters it out. */
export interface Match {
  readonly labels: Labels;
  readonly present: Uint8Array;
}

/** One-to-one, no two matches of a group may be at the same step; otherwise no two with equal result labels. */
export async function findAmbiguousMatches(
  ctx: QueryContext,
  matching: VectorMatching,
  matches: readonly Match[],
): Promise<Clash[]> {
  const clashes: Clash[] = [];
  const oneToOne = matching.cardinality === 'one-to-one';
  const taken = new Map<string, Uint8Array>();
  for (const { labels, present } of matches) {
    const key = oneToOne ? '' : labelsKey(labels);
    const steps = taken.get(key);
    if (steps === undefined) {
      taken.set(key, present.slice());
      continue;
    }
    for (let i = 0; i < steps.length; i++) {
      if (present[i] === ABSENT) continue;
      if (steps[i] !== ABSENT) {
        const reason = oneToOne
          ? 'many-to-one matching must be explicit (group_left/group_right)'
          : 'grouping labels must ensure unique matches';
        clashes.push({ step: i, order: Infinity, message: `multiple matches for labels: ${reason}` });
        break;
      }
      steps[i] = present[i]!;
    }
    if (ctx.due(present.length)) await ctx.pause();
  }
  return clashes;
}
