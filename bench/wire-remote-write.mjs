// Remote write 1.0 decoding, on one core and without I/O: snappy, then the columnar decoder, against `npm run build`.
// node bench/wire-remote-write.mjs [seconds]
import { performance } from 'node:perf_hooks';
import {
  createSnappyUncompressor,
  createWriteRequestDecoder,
  decodeLabels,
  encodeWriteRequest,
  snappyCompress,
} from '../packages/wire/dist/index.js';

const SERIES_PER_REQUEST = 2000;
const REQUESTS = 20;
const MAX_BYTES = 32 * 1024 * 1024;
const seconds = Number(process.argv[2] ?? 2);

/** Series like those of a Kubernetes scrape: 12 labels, about 360 bytes. */
function labelsOf(i) {
  const pod = (i >>> 5) % 400;
  return [
    ['__name__', `container_network_${['receive', 'transmit'][i & 1]}_${['bytes', 'packets', 'errors'][i % 3]}_total`],
    ['cluster', 'production-eu-central-1'],
    ['container', ['api-gateway', 'checkout-svc', 'recommender'][pod % 3]],
    ['endpoint', 'https-metrics'],
    ['id', `/kubepods/burstable/pod${(pod * 2654435761).toString(16)}/${i % 97}`],
    ['image', `registry.internal/platform/service:${pod % 17}.4.1`],
    ['instance', `10.0.${pod & 255}.${i % 200}:10250`],
    ['interface', `eth${i % 4}`],
    ['job', 'kubelet'],
    ['namespace', ['default', 'payments', 'monitoring'][pod % 3]],
    ['node', `ip-10-0-${pod & 255}-17.eu-central-1.compute.internal`],
    ['pod', `service-${pod}-7d9f8b6c5d-x${i % 89}`],
  ].flat();
}

function request(n) {
  const series = [];
  for (let i = 0; i < SERIES_PER_REQUEST; i++) {
    const id = n * SERIES_PER_REQUEST + i;
    const value = id % 4 === 0 ? 0 : id % 3 === 0 ? id * 0.37 : id * 17;
    series.push({ labels: labelsOf(id), samples: [{ timestampMs: 1_790_000_000_000 + n, value }] });
  }
  return encodeWriteRequest({ series });
}

const bodies = Array.from({ length: REQUESTS }, (_, n) => request(n));
const compressed = bodies.map((body) => snappyCompress(body));
const bytesPerSeries = bodies[0].length / SERIES_PER_REQUEST;
process.stdout.write(
  `${bytesPerSeries.toFixed(0)} B/series, ${(compressed[0].length / SERIES_PER_REQUEST).toFixed(0)} compressed\n`,
);

/** M series/s of processor time: the best of five rounds, so that other load on the machine matters little. */
function measure(name, run) {
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const before = process.cpuUsage();
    let done = 0;
    while (performance.now() - start < (seconds * 1000) / 5) {
      for (let n = 0; n < REQUESTS; n++) run(n);
      done += REQUESTS;
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (done * SERIES_PER_REQUEST) / (user + system));
  }
  process.stdout.write(`${name.padEnd(32)} ${best.toFixed(2)} M/s\n`);
}

const decode = createWriteRequestDecoder();
const uncompress = createSnappyUncompressor(MAX_BYTES);
measure('snappy', (n) => uncompress(compressed[n]));
measure('decode', (n) => decode(bodies[n]));
measure('snappy + decode', (n) => decode(uncompress(compressed[n])));
measure('label strings of new series', (n) => {
  const { body, seriesCount, labelsStart, labelsEnd } = decode(bodies[n]);
  for (let i = 0; i < seriesCount; i++) decodeLabels(body, labelsStart[i], labelsEnd[i]);
});
