import { type FloatHistogram, isStaleMarker, labelsKey } from '@opendata/promql';
import { encodeWriteRequest, snappyCompress, type WriteRequestSeries } from '@opendata/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, useDatabases } from './db.testing.ts';
import type { TimeSeriesDb } from './db.ts';

const HOUR_MS = 3_600_000;
const ALL = { matchers: [{ name: '__name__', type: '=~', value: '.+' }], startMs: -1e15, endMs: 1e15 } as const;

const { newFolder, openDb } = useDatabases();

/** Buckets 1, 2 and 4 of the standard schema 0, or custom ones. */
function histogramOf(counts: readonly number[], hint: FloatHistogram['counterResetHint'] = 'unknown', custom = false) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    schema: custom ? -53 : 0,
    counterResetHint: hint,
    zeroThreshold: custom ? 0 : 0.001,
    zeroCount: 0,
    count: total,
    sum: total * 1.5,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: Float64Array.from(counts),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: custom ? Float64Array.of(1, 2) : new Float64Array(0),
  } satisfies FloatHistogram;
}

const STALE_SUM = new Float64Array(new Uint32Array([2, 0x7ff00000]).buffer)[0]!;

type Sample = number | 'stale' | FloatHistogram;
interface Write {
  readonly name: string;
  readonly timestampMs: number;
  readonly sample: Sample;
}

function send(db: TimeSeriesDb, writes: readonly Write[]): number {
  const series = writes.map(({ name, timestampMs, sample }): WriteRequestSeries => {
    const labels = ['__name__', name];
    if (typeof sample === 'number') return { labels, samples: [{ timestampMs, value: sample }] };
    const histogram = sample === 'stale' ? { ...histogramOf([]), sum: STALE_SUM } : sample;
    return { labels, histograms: [{ timestampMs, histogram }] };
  });
  return db.remoteWrite(snappyCompress(encodeWriteRequest({ series }))).group;
}

/** What a database holds, hints left out. */
async function contents(db: TimeSeriesDb): Promise<Record<string, [number, Sample][]>> {
  const all = await db.select(ALL);
  return Object.fromEntries(
    all.map(({ labels, timestamps, values, histograms }) => [
      labelsKey(labels),
      Array.from(timestamps, (timestampMs, i): [number, Sample] => {
        const histogram = histograms?.[i];
        if (histogram !== undefined) return [timestampMs, { ...histogram, counterResetHint: 'unknown' }];
        return [timestampMs, isStaleMarker(values, i) ? 'stale' : values[i]!];
      }),
    ]),
  );
}

const sample: fc.Arbitrary<Sample> = fc.oneof(
  fc.nat(),
  fc.constant('stale' as const),
  fc.tuple(fc.array(fc.nat(50), { maxLength: 3 }), fc.boolean()).map(([counts, custom]) => {
    return histogramOf(counts, 'unknown', custom);
  }),
);
const write: fc.Arbitrary<Write> = fc.record({
  name: fc.constantFrom('a', 'b'),
  timestampMs: fc.tuple(fc.nat(2), fc.nat(20)).map(([hours, steps]) => NOW - hours * HOUR_MS - steps * 150_000),
  sample,
});

describe('native histograms in the database', () => {
  it('stand among floats and staleness markers, late and replaced ones too, over restarts', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.uniqueArray(write, { selector: (one) => `${one.name} ${one.timestampMs}` }) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const config = newFolder();
        let db = await openDb(config);
        const model = new Map<string, Map<number, Sample>>();
        for (const one of steps) {
          if (one === 'restart') {
            await db.close();
            db = await openDb(config);
            continue;
          }
          await db.committed(send(db, one));
          for (const { name, timestampMs, sample: kept } of one) {
            const key = labelsKey(['__name__', name]);
            if (!model.has(key)) model.set(key, new Map());
            model.get(key)!.set(timestampMs, kept);
          }
        }
        const expected = Object.fromEntries(
          [...model].map(([key, samples]) => [key, [...samples].sort(([a], [b]) => a - b)]),
        );
        expect(await contents(db)).toEqual(expected);
        await db.close();
      }),
      { numRuns: 25 },
    );
  });

  it('say whether counters were reset since the sample before', async () => {
    const db = await openDb(newFolder());
    const samples: Sample[] = [
      histogramOf([1, 1], 'not_reset'),
      histogramOf([2, 1], 'reset'),
      histogramOf([2, 3]),
      histogramOf([1, 9]),
      histogramOf([2, 9]),
      7,
      histogramOf([3, 9]),
      histogramOf([1], 'gauge'),
      histogramOf([2], 'gauge'),
      histogramOf([3]),
    ];
    for (const [i, one] of samples.entries()) {
      send(db, [{ name: 'h', timestampMs: NOW - (samples.length - i) * 1000, sample: one }]);
    }
    const [series] = await db.select(ALL);
    expect(series!.histograms!.map((histogram) => histogram?.counterResetHint)).toEqual([
      'unknown',
      'reset',
      'not_reset',
      'reset',
      'not_reset',
      undefined,
      'unknown',
      'gauge',
      'gauge',
      'unknown',
    ]);
  });

  it('that cannot be are refused with all of their request', async () => {
    const db = await openDb(newFolder());
    const good: Write = { name: 'good', timestampMs: NOW, sample: 1 };
    const bad = (histogram: FloatHistogram): Write => ({ name: 'bad', timestampMs: NOW, sample: histogram });
    const custom = histogramOf([1, 2], 'unknown', true);
    expect(() => send(db, [good, bad({ ...histogramOf([1]), schema: 9 })])).toThrow('schema');
    expect(() => send(db, [good, bad(histogramOf([-1]))])).toThrow('observation count');
    expect(() => send(db, [good, bad({ ...custom, customValues: Float64Array.of(2, 1) })])).toThrow('increasing');
    expect(() => send(db, [good, bad({ ...custom, zeroCount: 1 })])).toThrow('zero');
    expect(() => send(db, [good, bad(histogramOf([1, 2, 3, 4], 'unknown', true))])).toThrow('needs 4 buckets');
    expect(() => send(db, [good, { ...bad(custom), timestampMs: NOW + HOUR_MS }])).toThrow('future');
    expect(await contents(db)).toEqual({});
  });
});
