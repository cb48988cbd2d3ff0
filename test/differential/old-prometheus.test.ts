import { appendFileSync, existsSync } from 'node:fs';
import { createEngine } from '@opendata/promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { type Answer, askEngine } from './answer.ts';
import { differenceOf } from './compare.ts';
import { generateData, toColumns } from './data.ts';
import { createExpressions, generateExpression } from './expressions.ts';
import { type Oracle, startPrometheus } from './prometheus.ts';
import { sourceOf } from './source.ts';
import { generateTimes } from './times.ts';

const newest = process.env['PROMETHEUS_NEWEST'] ?? '';
const old = process.env['PROMETHEUS_OLD'] ?? '';
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const count = Number(process.env['DIFFERENTIAL_COUNT'] ?? 500);

const TOLERANCE = { relative: 1e-11 };

/** Annotations are new in Prometheus 3, and errors are worded otherwise. */
function withoutNotes(answer: Answer): Answer {
  if ('error' in answer) return { errorKind: '', error: '' };
  return { ...answer, warnings: [], infos: [] };
}

/**
 * An old Prometheus (Debian's 2.42) for the language that it knows. Where it answers otherwise, the newest one says
 * whether Prometheus has changed, or we differ from both.
 */
describe.skipIf(!existsSync(newest) || !existsSync(old))('against an old Prometheus', () => {
  const oracles: Oracle[] = [];
  const random = seededRandom(seed);
  const data = generateData(random);
  beforeAll(async () => {
    oracles.push(await startPrometheus(old, false));
    oracles.push(await startPrometheus(newest, true));
    for (const oracle of oracles) await oracle.push(data);
  });
  afterAll(async () => {
    for (const oracle of oracles) await oracle.stop();
  });

  it(`answers ${count} generated queries like one of both (seed ${seed})`, { timeout: 3_600_000 }, async () => {
    const engine = createEngine();
    const source = sourceOf(data.map(toColumns));
    const gen = createExpressions(random, { newest: false, histograms: false });
    const differences: string[] = [];
    let alike = 0;
    let changed = 0;
    for (let i = 0; i < count; i++) {
      const query = generateExpression(gen);
      const times = generateTimes(random);
      const actual = withoutNotes(await askEngine(engine, source, query, times));
      const [before, now] = oracles.map((oracle) => () => oracle.query(query, times).then(withoutNotes));
      const difference = differenceOf(actual, await before!(), TOLERANCE, false);
      if (difference === undefined) alike++;
      else if (differenceOf(actual, await now!(), TOLERANCE, false) === undefined) changed++;
      else differences.push(`${query}\n${JSON.stringify(times)}\n${difference}\n`);
    }
    const out = process.env['DIFFERENTIAL_OUT'];
    const summary = `seed ${seed}: ${alike} alike, ${changed} changed in Prometheus, ${differences.length} other differences`;
    if (out) appendFileSync(out, `${summary}\n${differences.join('\n')}\n`);
    expect(differences.slice(0, 5)).toEqual([]);
  });
});
