import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript } from './run.ts';

const folder = join(process.cwd(), '..', 'shared', 'promqltest');

/** Evals that pass, by file; these numbers only go up. */
const PASSING: Readonly<Record<string, number>> = {
  aggregators: 116,
  at_modifier: 58,
  collision: 0,
  duration_expression: 44,
  extended_vectors: 125,
  'fill-modifier': 37,
  functions: 323,
  histograms: 142,
  info: 44,
  limit: 25,
  literals: 17,
  name_label_dropping: 24,
  native_histograms: 390,
  operators: 156,
  range_queries: 14,
  selectors: 26,
  staleness: 12,
  start_timestamps: 19,
  subquery: 25,
  trig_functions: 14,
  type_and_unit: 45,
};

describe.skipIf(!existsSync(folder))("Prometheus' test corpus", () => {
  it.each(Object.entries(PASSING))('%s: %d evals pass', async (name, passing) => {
    const outcomes = await runScript(readFileSync(join(folder, `${name}.test`), 'utf8'));
    const passed = outcomes.filter(({ problems }) => problems.length === 0).length;
    expect(passed).toBeGreaterThanOrEqual(passing);
  });
});
