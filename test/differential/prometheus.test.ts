import { appendFileSync, existsSync } from 'node:fs';
import { createEngine } from '@opendata/promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { type Answer, askEngine, type QueryTimes } from './answer.ts';
import { differenceOf } from './compare.ts';
import { DATA_START_MS, type GeneratedSeries, generateData, toColumns } from './data.ts';
import { createExpressions, generateExpression } from './expressions.ts';
import { delayedNameRemoval, type Oracle, PUSH_MS, startPrometheus } from './prometheus.ts';
import { sourceOf } from './source.ts';
import { generateTimes } from './times.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
/** `DIFFERENTIAL_HISTOGRAMS=1` puts native histograms into the data and the queries. */
const histograms = process.env['DIFFERENTIAL_HISTOGRAMS'] === '1';
const count = Number(process.env['DIFFERENTIAL_COUNT'] ?? 500);

/** Sums are made in another order now and then. */
const TOLERANCE = { relative: 1e-11 };

describe.skipIf(!existsSync(binary))('against the newest Prometheus', () => {
  let oracle: Oracle;
  const random = seededRandom(seed);
  const data = generateData(random, histograms);
  beforeAll(async () => {
    oracle = await startPrometheus(binary, true);
    await oracle.push(data);
  });
  afterAll(() => oracle?.stop());

  it(`answers ${count} generated queries alike (seed ${seed})`, async () => {
    const engine = createEngine({ delayedNameRemoval });
    const source = sourceOf(inOrderOfCreation(data).map(toColumns));
    const gen = createExpressions(random, { newest: true, histograms });
    const differences: string[] = [];
    let errors = 0;
    let empty = 0;
    let done = 0;
    let unstable = 0;
    const worker = async (): Promise<void> => {
      while (done < count) {
        done++;
        const query = generateExpression(gen);
        const times = generateTimes(random);
        const [actual, expected] = await Promise.all([
          askEngine(engine, source, query, times),
          oracle.query(query, times),
        ]);
        if ('error' in expected) errors++;
        else if (expected.series.length === 0) empty++;
        const difference = differenceOf(actual, expected, TOLERANCE, false);
        if (difference === undefined) continue;
        if (await isUnstable(oracle, query, times, expected)) unstable++;
        else differences.push(`${query}\n${JSON.stringify(times)}\n${difference}\n`);
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    const out = process.env['DIFFERENTIAL_OUT'];
    if (out)
      appendFileSync(
        out,
        `seed ${seed}: ${count} queries, ${errors} errors, ${empty} empty, ${unstable} unstable in Prometheus, ${differences.length} differences\n\n${differences.join('\n')}\n`,
      );
    expect(differences.slice(0, 5)).toEqual([]);
  }, 3_600_000);
});

/** Prometheus finds series in the order in which it saw them first, and some errors name the first that they meet. */
function inOrderOfCreation(data: readonly GeneratedSeries[]): GeneratedSeries[] {
  const requests = ({ timestamps, values }: GeneratedSeries): number => {
    if (values.some((value) => typeof value === 'object')) return Number.MAX_VALUE;
    return Math.floor((timestamps[0]! - DATA_START_MS) / PUSH_MS);
  };
  return [...data].sort((a, b) => requests(a) - requests(b));
}

/** Whether Prometheus itself answers differently when asked again: results that depend on the order of a Go map. */
async function isUnstable(oracle: Oracle, query: string, times: QueryTimes, expected: Answer): Promise<boolean> {
  for (let i = 0; i < 6; i++) {
    if (differenceOf(await oracle.query(query, times), expected, TOLERANCE, false) !== undefined) return true;
  }
  return false;
}
