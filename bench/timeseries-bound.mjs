/**
 * What the values of the set `q24` cost in sealed pages, beside the least that any codec could spend that does not know the
 * generator's random numbers but everything else: the kind of each series, its constants, and how high the tide of the day
 * stands at each scrape. Of that the entropy is computed sample by sample.
 *
 *     npx tsc -b packages/timeseries
 *     node bench/timeseries-bound.mjs <folder of the shared benchmark, with its generator and node_modules>
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PageWriter } from '../packages/timeseries/dist/block/codec/index.js';
import { loadWindows } from './support/windows-of-set.mjs';

const SCRAPES = 1440;
const SECONDS = 60;
const PAGE_BYTES = 64 * 1024;
/** A range of more numbers is taken as continuous. */
const WIDE = 200;
/** In the generator's order. */
const FAMILIES = [
  'constants',
  'integer counters',
  'rare counters',
  'centisecond counters',
  'gauges of pages',
  'load',
  'integer gauges',
  'float gauges',
  'histogram buckets',
  'time',
  'up',
  'float counters',
  'histogram counts',
  'histogram sums',
];

const { buildSeries } = await import(pathToFileURL(path.resolve(process.argv[2] ?? '', 'gen.mjs')).href);
const { series } = buildSeries(5000);
/** A name may have two kinds; it then counts as the later one. */
const familyOf = new Map();
for (const { name, kind } of series) familyOf.set(name, Math.max(kind, familyOf.get(name) ?? 0));

const least = new Float64Array(FAMILIES.length);
for (const { name, kind, p, q, labels } of series) {
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    const half = scrape / SCRAPES;
    const tide = 0.6 + 0.8 * (half < 0.5 ? 2 * half : 2 - 2 * half);
    least[familyOf.get(name)] += bitsOf(kind, p, q ?? 0, p * SECONDS * tide, labels.le) / 8;
  }
}

const writer = new PageWriter();
const spent = new Float64Array(FAMILIES.length);
const counts = new Uint32Array(FAMILIES.length);
let samples = 0;
let other = 0;
const finish = () => {
  const { valueBytes } = writer.sizes;
  other += writer.finish().length - valueBytes;
};
for (const { key, timestamps, values } of loadWindows('q24', SCRAPES).flat()) {
  const before = writer.sizes.valueBytes;
  writer.addSeries(timestamps, values);
  const family = familyOf.get(/__name__[^\w]+?([\w:]+)/s.exec(key)?.[1]);
  spent[family] += writer.sizes.valueBytes - before;
  counts[family]++;
  samples += values.length;
  if (writer.sizeBytes >= PAGE_BYTES) finish();
}
finish();

const row = (name, ...cells) => console.log(`${name.padEnd(24)}${cells.map((cell) => `${cell}`.padStart(9)).join('')}`);
const perSample = (bytes) => (bytes / samples).toFixed(4);
const sum = (column) => column.reduce((total, value) => total + value, 0);
row('bytes a sample of all', 'series', 'spent', 'least');
const order = [...FAMILIES.keys()].sort((a, b) => spent[b] - spent[a]);
for (const i of order) row(FAMILIES[i], counts[i], perSample(spent[i]), perSample(least[i]));
row('timestamps, directories', '', perSample(other), '');
row('all', sum(counts), perSample(sum(spent) + other), perSample(sum(least)));

/** Bits that are news in a sample of a series; `amount` is what its rate makes expect. */
function bitsOf(kind, p, q, amount, le) {
  if (kind === 1) return entropyOfFloor(amount * 0.5, amount * 1.5);
  if (kind === 2) return term(q) + term(1 - q) + q * entropyOfFloor(0, p);
  if (kind === 3) return entropyOfFloor(amount * 50, amount * 150);
  if (kind === 4) return entropyOfStep(q, (0.005 * p) / 4096);
  if (kind === 5) return entropyOfStep(q, 30);
  if (kind === 6) return entropyOfStep(q, Math.max(2, p * 0.03));
  // Random numbers of 32 bits, times something.
  if (kind === 7 || kind === 11 || kind === 13) return 32;
  // All observations of a histogram; of the other buckets whether the share of them is rounded up.
  if (kind === 8) return le === '+Inf' ? Math.log2(Math.max(1, amount)) : 1 / (2 * Math.LN2);
  return 0;
}

/** Of the whole part of a number that is anywhere between two. */
function entropyOfFloor(low, high) {
  const range = high - low;
  if (range > WIDE) return Math.log2(range);
  let bits = 0;
  for (let whole = Math.floor(low); whole < high; whole++) {
    bits += term((Math.min(high, whole + 1) - Math.max(low, whole)) / range);
  }
  return bits;
}

/** Of the whole part of a number between `-reach` and `reach` where, by `chance`, there is a step, and else of none. */
function entropyOfStep(chance, reach) {
  if (chance === 0) return 0;
  const one = chance / (2 * reach);
  if (2 * reach > WIDE) return term(1 - chance + one) - (chance - one) * Math.log2(one);
  let bits = 0;
  for (let whole = Math.floor(-reach); whole < reach; whole++) {
    const share = one * (Math.min(reach, whole + 1) - Math.max(-reach, whole));
    bits += term(whole === 0 ? share + 1 - chance : share);
  }
  return bits;
}

function term(share) {
  return share > 0 ? -share * Math.log2(share) : 0;
}
