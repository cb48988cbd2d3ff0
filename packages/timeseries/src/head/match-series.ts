import { type CompiledMatcher, compileMatcher, type Matcher } from '@opendata/promql';
import { acceptedValues } from './accepted-values.ts';
import type { LabelIndex } from './label-index.ts';
import { intersect } from './sorted-ids.ts';
import { createYielder } from './yielder.ts';

/**
 * Series that match all matchers, ascending. Each matcher that a missing label does not satisfy gives a list of
 * series to intersect; each of the others gives one to take away: the series whose value of the label it refuses.
 */
export async function matchSeries(
  index: LabelIndex,
  seriesLimit: number,
  matchers: readonly Matcher[],
  yielder: () => Promise<void> = createYielder(),
): Promise<Uint32Array> {
  const lists: Uint32Array[] = [];
  const refused: number[][] = [];
  for (const matcher of matchers) {
    const compiled = compileMatcher(matcher);
    if (compiled.matchesEmpty) {
      refused.push(await pairsWhere(index, matcher, (value) => !compiled.matches(value), yielder));
      continue;
    }
    lists.push(seriesWithAny(index, seriesLimit, await acceptedPairs(index, matcher, compiled, yielder)));
    if (lists.at(-1)?.length === 0) return new Uint32Array(0);
  }
  let series = lists.length === 0 ? allSeries(seriesLimit) : intersect(lists);
  for (const pairs of refused) {
    if (pairs.length > 0) series = without(index, seriesLimit, series, pairs);
  }
  return series;
}

async function acceptedPairs(
  index: LabelIndex,
  matcher: Matcher,
  compiled: CompiledMatcher,
  yielder: () => Promise<void>,
): Promise<number[]> {
  const { setMatches, prefix } = compiled;
  if (setMatches !== undefined) {
    return [...new Set(setMatches)].map((value) => index.pairId(matcher.name, value)).filter((pair) => pair >= 0);
  }
  if (prefix === undefined) return pairsWhere(index, matcher, compiled.matches, yielder);
  return pairsWhere(index, matcher, (value) => value.startsWith(prefix) && compiled.matches(value), yielder);
}

async function pairsWhere(
  index: LabelIndex,
  matcher: Matcher,
  accepts: (value: string) => boolean,
  yielder: () => Promise<void>,
): Promise<number[]> {
  if (matcher.type === '!=' && matcher.value !== '') {
    // `name!="value"` refuses one value only.
    const pair = index.pairId(matcher.name, matcher.value);
    return pair < 0 ? [] : [pair];
  }
  const pairs = index.pairsOfName(matcher.name);
  const accepted = await acceptedValues(pairs.length, matcher, (i) => accepts(index.valueOf(pairs[i]!)), yielder);
  return accepted.map((i) => pairs[i]!);
}

function allSeries(count: number): Uint32Array {
  const series = new Uint32Array(count);
  for (let i = 0; i < count; i++) series[i] = i;
  return series;
}

function seriesWithAny(index: LabelIndex, seriesLimit: number, pairs: readonly number[]): Uint32Array {
  if (pairs.length === 0) return new Uint32Array(0);
  if (pairs.length === 1) return index.seriesOf(pairs[0]!);
  let total = 0;
  for (const pair of pairs) total += index.seriesCount(pair);
  const series = new Uint32Array(total);
  let filled = 0;
  if (total * 16 < seriesLimit) {
    for (const pair of pairs) {
      series.set(index.seriesOf(pair), filled);
      filled += index.seriesCount(pair);
    }
    return series.sort();
  }
  // A series has one value of a label, so the lists do not overlap.
  const marks = new Uint8Array(seriesLimit);
  for (const pair of pairs) index.markSeriesOf(pair, marks);
  for (let id = 0; id < seriesLimit; id++) if (marks[id] === 1) series[filled++] = id;
  return series;
}

function without(index: LabelIndex, seriesLimit: number, series: Uint32Array, pairs: readonly number[]): Uint32Array {
  const marks = new Uint8Array(seriesLimit);
  for (const pair of pairs) index.markSeriesOf(pair, marks);
  let filled = 0;
  const result = new Uint32Array(series.length);
  for (let i = 0; i < series.length; i++) if (marks[series[i]!] === 0) result[filled++] = series[i]!;
  return result.subarray(0, filled);
}
