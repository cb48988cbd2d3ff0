import fs from 'node:fs';
import path from 'node:path';
import { createWriteRequestDecoder, snappyUncompress } from '../../packages/wire/dist/index.js';

const dataDir = process.env.BENCH_DATA ?? '/tmp/bench-data';
const MAX_BODY_BYTES = 64 << 20;

/**
 * Loads a data set of remote-write bodies (BENCH_DATA is the folder): windows of time with their series in order of their
 * label bytes, each with the columns of the window.
 */
export function loadWindows(set, windowMinutes) {
  const { requests } = JSON.parse(fs.readFileSync(path.join(dataDir, `${set}.json`), 'utf8'));
  const file = fs.openSync(path.join(dataDir, `${set}.bin`), 'r');
  const decode = createWriteRequestDecoder();
  const series = new Map();
  for (let i = 0; i < requests.length; i += 5) {
    const body = Buffer.alloc(requests[i + 1]);
    fs.readSync(file, body, 0, body.length, requests[i]);
    const columns = decode(snappyUncompress(body, MAX_BODY_BYTES));
    const bytes = Buffer.from(columns.body.buffer, columns.body.byteOffset, columns.body.byteLength);
    for (let s = 0; s < columns.seriesCount; s++) {
      const key = bytes.latin1Slice(columns.labelsStart[s], columns.labelsEnd[s]);
      let known = series.get(key);
      if (known === undefined) series.set(key, (known = { timestamps: [], bits: [] }));
      for (let k = columns.sampleStart[s]; k < columns.sampleStart[s + 1]; k++) {
        known.timestamps.push(columns.timestamps[k]);
        const words = new Uint32Array(columns.values.buffer, columns.values.byteOffset + 8 * k, 2);
        known.bits.push(words[0], words[1]);
      }
    }
  }
  const durationMs = windowMinutes * 60_000;
  const windows = new Map();
  for (const key of [...series.keys()].sort()) {
    const { timestamps, bits } = series.get(key);
    const all = Float64Array.from(timestamps);
    const values = new Float64Array(Uint32Array.from(bits).buffer);
    for (let from = 0; from < all.length; ) {
      const window = Math.floor(all[from] / durationMs);
      let to = from;
      while (to < all.length && Math.floor(all[to] / durationMs) === window) to++;
      if (!windows.has(window)) windows.set(window, []);
      windows.get(window).push({ key, timestamps: all.slice(from, to), values: values.slice(from, to) });
      from = to;
    }
  }
  return [...windows.values()];
}
