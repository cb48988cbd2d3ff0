// Speed of the PromQL engine over series in memory: node bench/promql-engine.mjs [--series 10000] [--samples 360]
import { parseArgs } from 'node:util';
import { createEngine } from '../packages/promql/dist/index.js';

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '10000' },
    samples: { type: 'string', default: '360' },
    seconds: { type: 'string', default: '2' },
  },
});
const seriesCount = Number(options.series);
const sampleCount = Number(options.samples);
const intervalMs = 10_000;

function createSeries(shared) {
  const timestamps = Float64Array.from({ length: sampleCount }, (_, i) => i * intervalMs + 137);
  return Array.from({ length: seriesCount }, (_, s) => {
    const values = new Float64Array(sampleCount);
    let value = s;
    for (let i = 0; i < sampleCount; i++) {
      value = (i + s) % 997 === 0 ? 0 : value + ((s * 31 + i * 17) % 23);
      values[i] = value;
    }
    return {
      labels: ['__name__', 'requests_total', 'instance', `i${s}`, 'job', `job${s % 100}`],
      timestamps: shared ? timestamps : timestamps.slice(),
      values,
    };
  });
}

const engine = createEngine();
const stepMs = 15_000;
const endMs = (sampleCount - 1) * intervalMs;
const startMs = Math.max(300_000, endMs - 220 * stepMs);
const steps = Math.floor((endMs - startMs) / stepMs) + 1;
const queries = [
  'sum by (job) (rate(requests_total[5m]))',
  'sum by (job) (requests_total)',
  'sum(rate(requests_total[5m]))',
  'max by (job) (max_over_time(requests_total[5m]))',
  'avg by (job) (avg_over_time(requests_total[5m]))',
  'topk(10, rate(requests_total[5m]))',
  'requests_total * 2 > 100',
  'requests_total / on (instance) requests_total',
  'quantile by (job) (0.9, requests_total)',
];

for (const shared of [true, false]) {
  const data = createSeries(shared);
  const source = { select: async () => data };
  console.log(
    `${seriesCount} series x ${sampleCount} samples, ${steps} steps, timestamps ${shared ? 'shared' : 'per series'}`,
  );
  for (const query of queries) {
    const times = [];
    const until = performance.now() + Number(options.seconds) * 1000;
    for (let i = 0; i < 3 || performance.now() < until; i++) {
      const started = performance.now();
      await engine.range(source, query, startMs, endMs, stepMs);
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1];
    const rate = (seriesCount * sampleCount) / median / 1000;
    console.log(`  ${median.toFixed(1).padStart(8)} ms  ${rate.toFixed(1).padStart(7)} M samples/s  ${query}`);
  }
}
