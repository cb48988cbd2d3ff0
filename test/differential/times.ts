import type { QueryTimes } from './answer.ts';
import { DATA_END_MS, DATA_START_MS } from './data.ts';
import { between, chance, pick, type Random } from './random.ts';

/** Times to ask at: around the data, mostly off the grid of its samples. */
export function generateTimes(random: Random): QueryTimes {
  const onGrid = chance(random, 0.3);
  const time = (): number => between(random, DATA_START_MS - 60_000, DATA_END_MS + 400_000);
  const snap = (ms: number): number => (onGrid ? Math.round(ms / 15_000) * 15_000 : ms);
  if (chance(random, 0.4)) return { kind: 'instant', timeMs: snap(time()) };
  const startMs = snap(time());
  const stepMs = pick(random, [15_000, 30_000, 60_000, 61_000, 7_000, 300_000]);
  return { kind: 'range', startMs, endMs: startMs + stepMs * between(random, 0, 25) + between(random, 0, 5), stepMs };
}
