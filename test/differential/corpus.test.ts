import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { createEngine } from '@opendata/promql';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../support/random.ts';
import { type Answer, askEngine, type QueryTimes } from './answer.ts';
import { differenceOf } from './compare.ts';
import { type CorpusState, corpusStates } from './corpus.ts';
import { mutated } from './mutations.ts';
import { delayedNameRemoval, type Oracle, startPrometheus } from './prometheus.ts';
import { chance, pick, type Random } from './random.ts';
import { sourceOf } from './source.ts';
import { createStateExpressions } from './state-expressions.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
/** Where the files in the test language are; others by `DIFFERENTIAL_CORPUS`. */
const corpus = process.env['DIFFERENTIAL_CORPUS'];
const folder = corpus ? pathToFileURL(`${corpus}/`) : new URL('../../../shared/promqltest/', import.meta.url);
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
/** Changed queries for each one of the corpus. */
const perQuery = Number(process.env['DIFFERENTIAL_PER_QUERY'] ?? 3);
/** Queries made of what each state has loaded. */
const perState = Number(process.env['DIFFERENTIAL_PER_STATE'] ?? 60);
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

/** Start timestamps reach Prometheus' storage by OTLP only. */
async function fill(oracle: Oracle, state: CorpusState): Promise<void> {
  for (const request of state.requests) await oracle.write(request);
  if (state.started.length > 0) await oracle.writeOtlp(state.started);
}

interface Question {
  readonly label: string;
  readonly query: string;
  readonly times: QueryTimes;
}

/** The queries as they stand, changed ones, and some made of the metrics that are there. */
function* questionsOf(random: Random, state: CorpusState): Generator<Question> {
  for (const command of state.evals) {
    const times = timesOf(command);
    yield { label: `${command.line} unchanged:`, query: command.query, times };
    for (let i = 0; i < perQuery; i++) {
      yield { label: `${command.line}`, query: mutated(random, command.query), times: otherTimes(random, times) };
    }
  }
  const expressions = createStateExpressions(random, state.columns);
  for (let i = 0; i < perState; i++) {
    const query = chance(random, 0.8) ? expressions() : mutated(random, expressions());
    const times: QueryTimes = { kind: 'instant', timeMs: pick(random, state.times) };
    yield { label: 'of what is loaded:', query, times: otherTimes(random, times) };
  }
}

async function isUnstable(oracle: Oracle, query: string, times: QueryTimes, expected: Answer): Promise<boolean> {
  for (let i = 0; i < 6; i++) {
    if (differenceOf(await oracle.query(query, times), expected, TOLERANCE, false) !== undefined) return true;
  }
  return false;
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
          await fill(oracle, state);
          const engine = createEngine({ useStartTimestamps: true, delayedNameRemoval });
          const source = sourceOf(state.columns);
          for (const { label, query, times } of questionsOf(random, state)) {
            const [actual, expected] = await Promise.all([
              askEngine(engine, source, query, times),
              oracle.query(query, times),
            ]);
            asked++;
            const difference = differenceOf(actual, expected, TOLERANCE, false);
            if (difference === undefined || (await isUnstable(oracle, query, times, expected))) continue;
            differences.push(`${file}:${label} ${query}\n  ${JSON.stringify(times)}\n  ${difference}`);
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
