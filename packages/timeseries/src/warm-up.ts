import { setImmediate } from 'node:timers/promises';
import { createEngine } from '@opendata/promql';
import { Head } from './head/head.ts';
import { encodeLabels } from './head/label-bytes.ts';
import { headLabelNames, headLabelValues, headSeries } from './head/label-queries.ts';
import { selectFromHead } from './head/select.ts';
import { writeQueryResponse } from './http/json-writer.ts';

const TARGETS = 24;
const SERIES_PER_TARGET = 6;
const SAMPLES = 180;
const INTERVAL_MS = 10_000;
const STEP_MS = 15_000;
const ROUNDS = 10;

/** One for each way through the engine that dashboards and alerts take all the time. */
const EXPRESSIONS = [
  'warm',
  'warm == 0',
  'warm{target="t1", part="p1"}',
  'warm{part=~"p.*", target!~"t1|t2.*"}',
  '{__name__=~".+"}',
  'sum by (target) (warm)',
  'sum by (target, part) (rate(warm[5m]))',
  'sum(rate(warm{part=~"p[12]"}[5m])) / sum(rate(warm[5m] offset 5m))',
  'max by (target) (max_over_time(warm[5m]))',
  'avg by (part) (warm)',
  'quantile by (part) (0.9, warm)',
  'topk(3, sum by (target) (warm))',
  'count by (__name__, part) ({__name__=~".+"})',
  'histogram_quantile(0.9, sum by (le) (rate(warm[5m])))',
  '1 - warm{part="p1"} / ignoring(part, le) warm{part="p2"}',
  'rate(warm[5m]) * on (target) group_left() warm{part="p0"} > 1',
  'warm unless on (target) (warm{part="p3"} > 10)',
  'absent(warm{part="none"})',
  'max_over_time(sum(rate(warm[1m]))[5m:1m])',
  'increase(warm[10m]) > 0',
];

/**
 * Evaluates queries over made-up series, so that the code that queries take is compiled before somebody waits for it:
 * a cold query takes twice the time of a warm one, and more than half of that is the interpreter. Some hundred
 * milliseconds of CPU time in turns of a few.
 * @param isWanted asked before every query; false ends it
 */
export async function warmUp(isWanted: () => boolean): Promise<void> {
  const head = madeUpHead();
  const engine = createEngine({ delayedNameRemoval: false });
  const source = { select: (request: Parameters<typeof selectFromHead>[1]) => selectFromHead(head, request) };
  const endMs = SAMPLES * INTERVAL_MS;
  const everything = { matcherSets: [], startMs: 0, endMs };
  for (let round = 0; round < ROUNDS; round++) {
    for (const expression of EXPRESSIONS) {
      if (!isWanted()) return;
      const instant = await engine.instant(source, expression, endMs);
      for await (const _ of writeQueryResponse(instant, { warnings: [] }));
      await setImmediate();
      const range = await engine.range(source, expression, endMs / 2, endMs, STEP_MS);
      for await (const _ of writeQueryResponse(range, { warnings: [] }));
      await setImmediate();
    }
    await headSeries(head, everything);
    await headLabelNames(head, everything);
    await headLabelValues(head, 'target', everything);
    await setImmediate();
  }
}

function madeUpHead(): Head {
  const head = new Head(SAMPLES * INTERVAL_MS * 2);
  const window = head.openWindow(head.windowStart(0));
  const values = new Float64Array(SAMPLES);
  for (let series = 0; series < TARGETS * SERIES_PER_TARGET; series++) {
    const target = Math.floor(series / SERIES_PER_TARGET);
    const part = series % SERIES_PER_TARGET;
    const labels = ['__name__', 'warm', 'le', `${part}`, 'part', `p${part}`, 'target', `t${target}`];
    const slot = window.addSlot(head.series.resolveOne(encodeLabels(labels)));
    const offsets = new Int32Array(SAMPLES);
    for (let i = 0; i < SAMPLES; i++) {
      offsets[i] = i * INTERVAL_MS + target * 7 + 1;
      values[i] = series % 3 === 0 ? i * series : i / (series + 1);
    }
    window.append(new Uint32Array(SAMPLES).fill(slot), offsets, values, SAMPLES);
  }
  return head;
}
