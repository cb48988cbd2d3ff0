import { appendFileSync, existsSync } from 'node:fs';
import { createEngine } from '@opendata/promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { askEngine, type QueryTimes } from './answer.ts';
import { differenceOf } from './compare.ts';
import { DATA_END_MS, DATA_START_MS, generateData, toColumns } from './data.ts';
import { createExpressions, generateExpression } from './expressions.ts';
import { type Oracle, startPrometheus } from './prometheus.ts';
import { between, chance, pick, type Random } from './random.ts';
import { sourceOf } from './source.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const count = Number(process.env['DIFFERENTIAL_COUNT'] ?? 300);

export function generateTimes(random: Random): QueryTimes {
  const onGrid = chance(random, 0.3);
  const time = (): number => between(random, DATA_START_MS - 60_000, DATA_END_MS + 400_000);
  const snap = (ms: number): number => (onGrid ? Math.round(ms / 15_000) * 15_000 : ms);
  if (chance(random, 0.4)) return { kind: 'instant', timeMs: snap(time()) };
  const startMs = snap(time());
  const stepMs = pick(random, [15_000, 30_000, 60_000, 61_000, 7_000, 300_000]);
  return { kind: 'range', startMs, endMs: startMs + stepMs * between(random, 0, 25) + between(random, 0, 5), stepMs };
}

describe.skipIf(!existsSync(binary))('against the newest Prometheus', () => {
  let oracle: Oracle;
  const random = seededRandom(seed);
  const data = generateData(random);
  beforeAll(async () => {
    oracle = await startPrometheus(binary, true);
    await oracle.push(data);
  });
  afterAll(() => oracle?.stop());

  it(
    `answers ${count} generated queries alike (seed ${seed})`,
    async () => {
      const engine = createEngine({});
      const source = sourceOf(data.map(toColumns));
      const gen = createExpressions(random, { newest: true, histograms: false });
      const differences: string[] = [];
      let errors = 0;
      let empty = 0;
      let done = 0;
      const worker = async (): Promise<void> => {
        while (done < count) {
          done++;
          const query = generateExpression(gen);
          const times = generateTimes(random);
          const [actual, expected] = await Promise.all([askEngine(engine, source, query, times), oracle.query(query, times)]);
          if ('error' in expected) errors++;
          else if (expected.series.length === 0) empty++;
          const difference = differenceOf(actual, expected, { relative: 1e-11 }, false);
          if (difference !== undefined) differences.push(`${query}\n${JSON.stringify(times)}\n${difference}\n`);
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      const out = process.env['DIFFERENTIAL_OUT'];
      if (out) appendFileSync(out, `seed ${seed}: ${count} queries, ${errors} errors, ${empty} empty, ${differences.length} differences\n\n${differences.join('\n')}\n`);
      expect(differences.slice(0, 5)).toEqual([]);
    },
    3_600_000,
  );
});
