import { appendFileSync } from 'node:fs';
import { createEngine, isStaleMarker, type SeriesColumns } from '@opendata/promql';
import { describe, expect, it } from 'vitest';
import { runReference } from '../../packages/promql/src/reference/run.testing.ts';
import type { ReferenceSeries } from '../../packages/promql/src/reference/value.testing.ts';
import { seededRandom } from '../support/random.ts';
import { askEngine, type QueryTimes } from './answer.ts';
import { differenceOf } from './compare.ts';
import { generateData, toColumns } from './data.ts';
import { createExpressions, generateExpression } from './expressions.ts';
import { sourceOf } from './source.ts';
import { generateTimes } from './times.ts';

/** Queries of each test; more by `DIFFERENTIAL_COUNT`. A new set of data after every 2,000. */
const count = Number(process.env['DIFFERENTIAL_COUNT'] ?? 1_000);
/** Fixed, so that a run of the tests says something about the change and not about luck; another by `DIFFERENTIAL_SEED`. */
const seeds = process.env['DIFFERENTIAL_SEED'] ? [Number(process.env['DIFFERENTIAL_SEED'])] : [20_261_122, 20_261_123];

describe('the engine against the reference evaluator', () => {
  for (const seed of seeds) {
    it(`answers ${count} generated queries alike (seed ${seed})`, { timeout: 36_000_000 }, async () => {
      const differences: string[] = [];
      for (let done = 0; done < count; done += 2_000) {
        differences.push(...(await compareMany(seed + done, Math.min(2_000, count - done))));
      }
      const out = process.env['DIFFERENTIAL_OUT'];
      if (out) appendFileSync(out, `seed ${seed}: ${differences.length} differences\n\n${differences.join('\n')}\n`);
      expect(differences.slice(0, 5)).toEqual([]);
    });
  }
});

async function compareMany(seed: number, queries: number): Promise<string[]> {
  const random = seededRandom(seed);
  const columns = generateData(random).map(toColumns);
  const engine = createEngine({});
  const source = sourceOf(columns);
  const series = columns.map(toReference);
  const gen = createExpressions(random, { newest: true, histograms: false });
  const differences: string[] = [];
  for (let i = 0; i < queries; i++) {
    const query = generateExpression(gen);
    if (followsChance(query)) continue;
    const times = generateTimes(random);
    const actual = await askEngine(engine, source, query, times);
    const expected = runReference(series, query, frameOf(times));
    const difference = differenceOf(withoutRepairs(actual), expected, { relative: 1e-9 }, false);
    if (difference !== undefined)
      differences.push(`${query}\n${JSON.stringify(times)}, data of ${seed}\n${difference}\n`);
  }
  return differences;
}

/**
 * Which series `limitk` takes first where others than selectors give them, and `topk` of equal values, over a range is a
 * matter of chance in Prometheus. So it is of equals that another `topk` gives: these come in no order there, and asked
 * again for `topk(1, topk(3, m > 8))` it takes others.
 */
function followsChance(query: string): boolean {
  const tops = query.match(/\b(?:top|bottom)k\b/g)?.length ?? 0;
  if (/\blimitk\b/.test(query)) return tops > 0 || /\bfill|\bcount_values\b/.test(query);
  return tops > 1 || (tops > 0 && /\bcount_values\b/.test(query));
}

function frameOf(times: QueryTimes): { startMs: number; endMs: number; stepMs: number } {
  return times.kind === 'instant' ? { startMs: times.timeMs, endMs: times.timeMs, stepMs: 0 } : times;
}

/** The reference does not say where it repaired buckets. */
function withoutRepairs<T extends object>(answer: T): T {
  if (!('infos' in answer)) return answer;
  const infos = (answer.infos as string[]).filter((text) => !text.includes('needed to be fixed for monotonicity'));
  return { ...answer, infos };
}

function toReference({ labels, timestamps, values }: SeriesColumns): ReferenceSeries {
  const points = Array.from(timestamps, (timeMs, i) => ({
    timeMs,
    value: values[i]!,
    stale: isStaleMarker(values, i),
  }));
  return { labels, points };
}
