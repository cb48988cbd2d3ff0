import { appendFileSync, existsSync } from 'node:fs';
import { createEngine } from '@opendata/promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, askEngine, type QueryTimes } from './answer.ts';
import { aggregations, binaries, matchings, rightCalls, wrongCalls } from './calls.ts';
import { differenceOf } from './compare.ts';
import { DATA_START_MS, toColumns } from './data.ts';
import { delayedNameRemoval, type Oracle, startPrometheus } from './prometheus.ts';
import { sourceOf } from './source.ts';
import { writtenData } from './written-data.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
/** Every how many queries one is asked; 1 for all of them. */
const every = Number(process.env['DIFFERENTIAL_EVERY'] ?? 1);
const only = process.env['DIFFERENTIAL_ONLY'] ?? '';

const TOLERANCE = { relative: 1e-11 };
const INSTANT: QueryTimes = { kind: 'instant', timeMs: DATA_START_MS + 371_000 };
const RANGE: QueryTimes = {
  kind: 'range',
  startMs: DATA_START_MS - 17_000,
  endMs: DATA_START_MS + 800_000,
  stepMs: 43_000,
};
/** Functions that define the order of an instant result. */
const ORDERED = /^(?:sort|topk|bottomk|sort_by_label)/;

/**
 * What Prometheus 3.15 does and we do not: it panics, interpolates quantiles of histograms with NaN observations in
 * another bucket, and lets a float and a histogram of one label set and time pass as one series.
 */
function isFlaw(query: string, actual: Answer, expected: Answer): boolean {
  if ('error' in expected) return expected.error.includes('runtime error');
  if (/histogram_quantiles?\(.*oddnative/.test(query)) return true;
  return 'error' in actual && /same labelset/.test(actual.error) && /mixed|gauge\|native/.test(query);
}

describe.skipIf(!existsSync(binary))('every call of the language against the newest Prometheus', () => {
  let oracle: Oracle;
  const data = writtenData();
  const source = sourceOf(data.map(toColumns));
  const engine = createEngine({ useStartTimestamps: true, delayedNameRemoval });
  beforeAll(async () => {
    oracle = await startPrometheus(binary, true);
    await oracle.push(data);
  });
  afterAll(() => oracle?.stop());

  async function differences(queries: readonly string[], allTimes: readonly QueryTimes[]): Promise<string[]> {
    const found: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < queries.length) {
        const query = queries[next]!;
        next += every;
        for (const times of allTimes) {
          const [actual, expected] = await Promise.all([
            askEngine(engine, source, query, times),
            oracle.query(query, times),
          ]);
          const ordered = times.kind === 'instant' && ORDERED.test(query);
          const difference = differenceOf(actual, expected, TOLERANCE, ordered);
          if (difference === undefined || isFlaw(query, actual, expected)) continue;
          const again = await oracle.query(query, times);
          const unstable = differenceOf(again, expected, TOLERANCE, ordered) !== undefined ? ' (unstable)' : '';
          found.push(`${query}${unstable}\n  ${times.kind}: ${difference}`);
        }
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    const out = process.env['DIFFERENTIAL_OUT'];
    if (out) appendFileSync(out, `${queries.length} queries, ${found.length} differences\n${found.join('\n')}\n`);
    return found;
  }

  const kinds: readonly [string, () => string[], readonly QueryTimes[]][] = [
    ['calls with wrong arguments', wrongCalls, [INSTANT]],
    ['functions', rightCalls, [INSTANT, RANGE]],
    ['aggregations', aggregations, [INSTANT, RANGE]],
    ['operators', binaries, [INSTANT, RANGE]],
    ['matching', matchings, [INSTANT, RANGE]],
  ];
  for (const [name, queries, times] of kinds) {
    it.skipIf(!name.includes(only))(name, { timeout: 3_600_000 }, async () => {
      expect((await differences(queries(), times)).slice(0, 5)).toEqual([]);
    });
  }
});
