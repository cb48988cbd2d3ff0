import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createEngine } from '@opendata/promql';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { askEngine, type QueryTimes } from './answer.ts';
import { differenceOf } from './compare.ts';
import { type CorpusState, corpusStates } from './corpus.ts';
import { mutated } from './mutations.ts';
import { startPrometheus } from './prometheus.ts';
import { chance, pick, type Random } from './random.ts';
import { sourceOf } from './source.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
const folder = new URL('../../../shared/promqltest/', import.meta.url);
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
/** Changed queries for each one of the corpus. */
const perQuery = Number(process.env['DIFFERENTIAL_PER_QUERY'] ?? 3);
const only = process.env['DIFFERENTIAL_ONLY'] ?? '';

const TOLERANCE = { relative: 1e-9 };

function timesOf({ times, isRange }: CorpusState['evals'][number]): QueryTimes {
  return isRange ? { kind: 'range', ...times } : { kind: 'instant', timeMs: times.startMs };
}

function otherTimes(random: Random, times: QueryTimes): QueryTimes {
  if (chance(random, 0.5)) return times;
  const shiftMs = pick(random, [-60_000, 60_000, 30_000, -1000, 1000, 300_000, 137_000, 0]);
  const startMs = (times.kind === 'instant' ? times.timeMs : times.startMs) + shiftMs;
  if (chance(random, 0.5)) return { kind: 'instant', timeMs: startMs };
  const stepMs = pick(random, [60_000, 30_000, 10_000, 300_000, 61_000]);
  return { kind: 'range', startMs, endMs: startMs + stepMs * pick(random, [0, 1, 3, 8]), stepMs };
}

describe.skipIf(!existsSync(binary) || !existsSync(folder))('changed queries of the corpus', () => {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test')) : [];
  for (const file of files) {
    it.skipIf(!file.includes(only))(`${file} (seed ${seed})`, { timeout: 3_600_000 }, async () => {
      const random = seededRandom(seed);
      const differences: string[] = [];
      let asked = 0;
      for (const state of await corpusStates(readFileSync(new URL(file, folder), 'utf8'))) {
        const oracle = await startPrometheus(binary, true);
        try {
          for (const request of state.requests) await oracle.write(request);
          const engine = createEngine({ useStartTimestamps: true });
          const source = sourceOf(state.columns);
          for (const command of state.evals) {
            for (let i = 0; i <= perQuery; i++) {
              const query = i === 0 ? command.query : mutated(random, command.query);
              const times = i === 0 ? timesOf(command) : otherTimes(random, timesOf(command));
              const [actual, expected] = await Promise.all([
                askEngine(engine, source, query, times),
                oracle.query(query, times),
              ]);
              asked++;
              const difference = differenceOf(actual, expected, TOLERANCE, false);
              if (difference === undefined) continue;
              const again = await oracle.query(query, times);
              if (differenceOf(again, expected, TOLERANCE, false) !== undefined) continue;
              const kind = i === 0 ? 'unchanged: ' : '';
              differences.push(`${file}:${command.line} ${kind}${query}\n  ${JSON.stringify(times)}\n  ${difference}`);
            }
          }
        } finally {
          await oracle.stop();
        }
      }
      const out = process.env['DIFFERENTIAL_OUT'];
      const summary = `${file} seed ${seed}: ${asked} queries, ${differences.length} differences\n`;
      if (out) appendFileSync(out, `${summary}${differences.join('\n')}\n`);
      expect(differences.slice(0, 5)).toEqual([]);
    });
  }
});
