import { encodeWriteRequest, snappyCompress, type WriteRequestSeries } from '@opendata/wire';

/** Time of the newest sample, in seconds: a minute ago. */
export const DATA_TIME_S = Math.floor(Date.now() / 1000) - 60;
const NEWEST_MS = DATA_TIME_S * 1000;

const VALUES = [1e-7, 1.5e-7, 1e-6, 1e-5, 1e-4, 1e20, 1e21, 1.5e21, 123456789, 1e100, 5e-324];
const MORE_VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.1 + 0.2];

const NO_BUCKETS = {
  counterResetHint: 'unknown',
  zeroThreshold: 0.001,
  zeroCount: 0,
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  positiveSpans: [],
  positiveBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
} as const;

function histograms(factor: number) {
  const buckets = (...counts: number[]) => Float64Array.from(counts, (count) => count * factor);
  return {
    exponential: {
      ...NO_BUCKETS,
      schema: 1,
      zeroCount: 2 * factor,
      count: 13 * factor,
      sum: 18.4 * factor,
      positiveSpans: [
        { offset: 0, length: 2 },
        { offset: 1, length: 1 },
      ],
      positiveBuckets: buckets(1, 0, 5),
      negativeSpans: [{ offset: -1, length: 2 }],
      negativeBuckets: buckets(2, 3),
    },
    custom: {
      ...NO_BUCKETS,
      schema: -53,
      zeroThreshold: 0,
      count: 7 * factor,
      sum: 12 * factor,
      positiveSpans: [{ offset: 0, length: 3 }],
      positiveBuckets: buckets(1, 2, 4),
      customValues: Float64Array.of(1, 5),
    },
  };
}

/** Pushes the same series to a server by remote write. */
export async function pushData(url: string): Promise<void> {
  const floats: WriteRequestSeries[] = [...VALUES, ...MORE_VALUES].map((value, i) => ({
    labels: ['__name__', 'm', 'i', String.fromCharCode(97 + i)],
    samples: [-30_000, -14_993, 0].map((offset) => ({ timestampMs: NEWEST_MS + offset, value })),
  }));
  floats.push({
    labels: ['__name__', 'utf.8 name', 'lábel.x', 'a"b\\c\n<>&\u2028é'],
    samples: [{ timestampMs: NEWEST_MS, value: 1 }],
  });
  await push(url, floats);
  for (const [n, offset] of [-30_000, -15_000, 0].entries()) {
    const { exponential, custom } = histograms(n + 1);
    const timestampMs = NEWEST_MS + offset;
    await push(url, [
      { labels: ['__name__', 'h', 'kind', 'exponential'], histograms: [{ timestampMs, histogram: exponential }] },
      { labels: ['__name__', 'h', 'kind', 'custom'], histograms: [{ timestampMs, histogram: custom }] },
      n === 1
        ? { labels: ['__name__', 'mixed'], samples: [{ timestampMs, value: 3 }] }
        : { labels: ['__name__', 'mixed'], histograms: [{ timestampMs, histogram: exponential }] },
    ]);
  }
  for (const offset of [-20_000, -10_000, 0]) {
    const timestampMs = NEWEST_MS + offset;
    await push(url, [
      {
        labels: ['__name__', 'traced_total', 'job', 'a'],
        samples: [{ timestampMs, value: 20 + offset / 1000 }],
        exemplars: [{ labels: ['trace_id', `t${offset}<`], value: 0.5, timestampMs: timestampMs - 100 }],
      },
    ]);
  }
}

async function push(url: string, series: readonly WriteRequestSeries[]): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: snappyCompress(encodeWriteRequest({ series })),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}
