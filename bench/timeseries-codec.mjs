/**
 * What a sample costs in sealed pages: loads a data set of remote-write bodies, groups its samples by series into
 * windows, encodes pages and decodes them again. Prints bytes a sample and samples a
 * second of CPU time (best of the rounds).
 *
 *   npx tsc -b packages/timeseries
 *   node bench/timeseries-codec.mjs [set=s10k] [window in minutes=60] [page KiB=64] [rounds=3] [--kinds]
 *
 * BENCH_DATA is the folder of the data sets. `--kinds` adds what each kind of values costs, and the dearest metrics.
 */
import { PageReader, PageWriter } from '../packages/timeseries/dist/block/codec/index.js';
import { loadWindows } from './support/windows-of-set.mjs';

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const [set = 's10k', windowMinutes = '60', pageKib = '64', rounds = '3'] = process.argv
  .slice(2)
  .filter((arg) => !arg.startsWith('--'));

function encode(windows, writer, limit) {
  const pages = [];
  for (const window of windows) {
    for (const { timestamps, values } of window) {
      writer.addSeries(timestamps, values);
      if (writer.sizeBytes >= limit) pages.push({ sizes: writer.sizes, bytes: writer.finish() });
    }
    if (writer.seriesCount > 0) pages.push({ sizes: writer.sizes, bytes: writer.finish() });
  }
  return pages;
}

function decodeAll(pages, target) {
  let samples = 0;
  for (const { bytes } of pages) {
    const page = new PageReader(bytes);
    for (let s = 0; s < page.seriesCount; s++) {
      page.timestamps(s);
      samples += page.readValues(s, target);
    }
  }
  return samples;
}

/** CPU time, as others may use the machine. */
function seconds(work) {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

const windows = loadWindows(set, Number(windowMinutes));
const limit = Number(pageKib) * 1024;
const writer = new PageWriter();
let pages = [];
let encodeSeconds = Number.POSITIVE_INFINITY;
let decodeSeconds = Number.POSITIVE_INFINITY;
const target = new Float64Array(1 << 20);
let samples = 0;
for (let round = 0; round < Number(rounds); round++) {
  encodeSeconds = Math.min(
    encodeSeconds,
    seconds(() => (pages = encode(windows, writer, limit))),
  );
  for (let repeat = 0; repeat < 3; repeat++) {
    decodeSeconds = Math.min(
      decodeSeconds,
      seconds(() => (samples = decodeAll(pages, target))),
    );
  }
}
const total = (of) => pages.reduce((sum, page) => sum + of(page), 0);
const perSample = (bytes) => (bytes / samples).toFixed(4);
console.log(
  `${set}: ${samples} samples, ${pages.length} pages of ${windows.length} windows of ${windowMinutes} min\n` +
    `  bytes a sample ${perSample(total((page) => page.bytes.length))}: ` +
    `values ${perSample(total((page) => page.sizes.valueBytes))}, ` +
    `timestamps ${perSample(total((page) => page.sizes.timestampBytes))}, ` +
    `directory ${perSample(total((page) => page.sizes.directoryBytes))}\n` +
    `  encode ${(samples / encodeSeconds / 1e6).toFixed(1)} M samples/s, ` +
    `decode ${(samples / decodeSeconds / 1e6).toFixed(1)} M samples/s`,
);
if (flags.includes('--kinds')) reportKinds();

/** Encodes each series on its own and adds up by kind of values and by metric. */
function reportKinds() {
  const kinds = new Map();
  const metrics = new Map();
  const add = (map, key, count, bytes) => {
    const row = map.get(key) ?? { series: 0, samples: 0, bytes: 0 };
    map.set(key, { series: row.series + 1, samples: row.samples + count, bytes: row.bytes + bytes });
  };
  for (const { key, timestamps, values } of windows.flat()) {
    writer.addSeries(timestamps, values);
    const { valueBytes } = writer.sizes;
    const page = writer.finish();
    const head = page[page.length - 8 - valueBytes];
    const map = ['all', 'bitmap', 'places', 'constant'][(head >>> 3) & 3];
    const kind = ['integers', 'decimals', 'patterns', 'halves', 'raw', 'histograms', 'predicted'][head & 7];
    add(kinds, `${kind} ${map}${(head & 32) === 0 ? '' : ' exceptions'}`, values.length, valueBytes);
    add(metrics, /__name__[^\w]+?([\w:]+)/s.exec(key)?.[1] ?? '?', values.length, valueBytes);
  }
  for (const [title, map] of [
    ['kinds', kinds],
    ['metrics', metrics],
  ]) {
    console.log(`  ${title}: series, share of bytes, bytes a sample`);
    const rows = [...map].sort((a, b) => b[1].bytes - a[1].bytes).slice(0, 30);
    const all = [...map.values()].reduce((sum, row) => sum + row.bytes, 0);
    for (const [name, row] of rows) {
      console.log(
        `    ${name.padEnd(50)} ${String(row.series).padStart(6)} ${((100 * row.bytes) / all).toFixed(1).padStart(5)} % ` +
          `${(row.bytes / row.samples).toFixed(3)}`,
      );
    }
  }
}
