import { type CompiledMatcher, compileMatcher, type Matcher } from '@opendata/promql';
import { acceptedValues } from '../head/accepted-values.ts';
import { intersect, subtract } from '../head/sorted-ids.ts';
import { createYielder } from '../head/yielder.ts';
import type { BlockIndex } from './block-index.ts';
import type { SeriesIds } from './index/postings-page.ts';

/** Series of a block that match all matchers, ascending; compare head/match-series.ts. */
export async function matchBlock(
  index: BlockIndex,
  matchers: readonly Matcher[],
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const lists: Uint32Array[] = [];
  const refused: number[][] = [];
  for (const matcher of matchers) {
    const compiled = compileMatcher(matcher);
    if (compiled.matchesEmpty) {
      refused.push(await pairsWhere(index, matcher, (value) => !compiled.matches(value), signal));
      continue;
    }
    lists.push(await seriesWithAny(index, await acceptedPairs(index, matcher, compiled, signal), signal));
    if (lists.at(-1)!.length === 0) return new Uint32Array(0);
  }
  let series = lists.length === 0 ? allSeries(index.descriptor.seriesCount) : intersect(lists);
  for (const pairs of refused) {
    if (pairs.length > 0) series = subtract(series, await seriesWithAny(index, pairs, signal));
  }
  return series;
}

async function acceptedPairs(
  index: BlockIndex,
  matcher: Matcher,
  { setMatches, matches }: CompiledMatcher,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  if (setMatches === undefined) return pairsWhere(index, matcher, matches, signal);
  const pairs: number[] = [];
  for (const value of new Set(setMatches)) {
    const pair = await index.pairOf(matcher.name, value, signal);
    if (pair >= 0) pairs.push(pair);
  }
  return pairs;
}

async function pairsWhere(
  index: BlockIndex,
  matcher: Matcher,
  accepts: (value: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  if (matcher.type === '!=' && matcher.value !== '') {
    const pair = await index.pairOf(matcher.name, matcher.value, signal);
    return pair < 0 ? [] : [pair];
  }
  const range = index.pairsOfName(matcher.name);
  const values = await index.values(range, signal);
  const accepted = await acceptedValues(values.length, matcher, (i) => accepts(values[i]!), createYielder(signal));
  return accepted.map((i) => range.first + i);
}

function allSeries(count: number): Uint32Array {
  return new Uint32Array(count).map((_, i) => i);
}

/** Series with any of the pairs, which are of one name: so no series is in two lists. */
async function seriesWithAny(
  index: BlockIndex,
  pairs: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const found: SeriesIds = { ids: new Uint32Array(256), count: 0 };
  for (const pair of pairs) await index.appendSeriesOf(pair, found, signal);
  const series = found.ids.subarray(0, found.count);
  return pairs.length > 1 ? sorted(series, index.descriptor.seriesCount) : series;
}

/** Numbers below `limit`, each once, in order. Sorting compares only where they are few: a million would take 40 ms. */
function sorted(series: Uint32Array, limit: number): Uint32Array {
  if (series.length * 16 < limit) return series.sort();
  const marks = new Uint8Array(limit);
  for (let i = 0; i < series.length; i++) marks[series[i]!] = 1;
  let at = 0;
  for (let number = 0; number < limit; number++) if (marks[number] === 1) series[at++] = number;
  return series;
}
