import type { Expr, Matcher } from '../../ast.ts';
import { EMPTY_LABELS, type Labels, METRIC_NAME } from '../../labels.ts';
import { compileMatcher } from '../../matcher.ts';
import type { QueryContext } from '../context.ts';
import { withLabel } from '../metadata-labels.ts';
import { windowsOf } from '../range/windows.ts';
import { ABSENT, FLOAT, floatSeries, type RangeValue, type VectorValue } from '../value.ts';

/** The labels that a selector fixes by equality: with no other matcher after it, in the order of `asSelected`. */
function labelsOfMatchers(matchers: readonly Matcher[]): Labels {
  let labels = EMPTY_LABELS;
  const seen = new Set<string>();
  for (const { name, type, value } of asSelected(matchers)) {
    if (name === METRIC_NAME) continue;
    const first = type === '=' && !seen.has(name);
    labels = withLabel(labels, name, first ? value : '');
    if (first) seen.add(name);
  }
  return labels;
}

/** In the order in which Prometheus' storage leaves them: last those that take series away rather than find them. */
export function asSelected(matchers: readonly Matcher[]): readonly Matcher[] {
  const compiled = matchers.map((matcher) => ({ matcher, mayBeEmpty: compileMatcher(matcher).matchesEmpty }));
  const found = new Set(compiled.filter(({ mayBeEmpty }) => !mayBeEmpty).map(({ matcher }) => matcher.name));
  const takesAway = ({ matcher: { name, type }, mayBeEmpty }: (typeof compiled)[number]): boolean =>
    !found.has(name) || (mayBeEmpty && (type === '!=' || type === '!~'));
  const finding = compiled.filter((one) => !takesAway(one));
  return [...finding, ...compiled.filter(takesAway)].map(({ matcher }) => matcher);
}

function labelsOfSelector(expr: Expr): Labels {
  if (expr.kind === 'paren') return labelsOfSelector(expr.expr);
  if (expr.kind === 'vector-selector') return labelsOfMatchers(expr.matchers);
  if (expr.kind === 'matrix-selector') return labelsOfMatchers(expr.selector.matchers);
  return EMPTY_LABELS;
}

function onesWhere(argument: Expr, present: Uint8Array): VectorValue {
  const missing = present.map((value) => (value === ABSENT ? FLOAT : ABSENT));
  if (!missing.includes(FLOAT)) return { kind: 'vector', series: [] };
  const values = new Float64Array(missing.length).fill(1);
  return { kind: 'vector', series: [floatSeries(labelsOfSelector(argument), false, values, missing)] };
}

/** `absent(v)`: 1 at the steps where nothing is. */
export async function absent(
  ctx: QueryContext,
  argument: Expr,
  vector: VectorValue,
  count: number,
): Promise<VectorValue> {
  const present = new Uint8Array(count);
  for (const element of vector.series) {
    for (let i = 0; i < count; i++) present[i]! |= element.present[i]!;
    if (ctx.due(count)) await ctx.pause();
  }
  return onesWhere(argument, present);
}

/** `absent_over_time(v[…])`: 1 at the steps whose window holds no sample of any series. */
export async function absentOverTime(ctx: QueryContext, argument: Expr, range: RangeValue): Promise<VectorValue> {
  const present = new Uint8Array(range.grid.count);
  let latest: Float64Array | undefined;
  for (const { timestamps } of range.series) {
    // Series that were scraped together have the same windows.
    if (timestamps === latest) continue;
    latest = timestamps;
    const { first, last } = windowsOf(timestamps, range.endsMs, range.rangeMs);
    for (let i = 0; i < present.length; i++) if (last[i]! > first[i]!) present[i] = FLOAT;
    if (ctx.due(timestamps.length + present.length)) await ctx.pause();
  }
  return onesWhere(argument, present);
}
