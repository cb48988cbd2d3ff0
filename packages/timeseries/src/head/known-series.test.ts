import { createWriteRequestDecoder, encodeWriteRequest, isWireError, type WriteRequestColumns } from '@opendata/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKnownSeries, type KnownSeries } from './known-series.ts';
import { UNKNOWN_SERIES } from './series-keys.ts';
import { SeriesTable } from './series-table.ts';

/** The bytes in the kernel's memory, as the decompressor leaves them there. */
function placed(table: SeriesTable, body: Uint8Array): Uint8Array {
  const { memory, startBytes } = table.keys.arena!.bodies;
  new Uint8Array(memory.buffer).set(body, startBytes);
  return new Uint8Array(memory.buffer, startBytes, body.length);
}

function receiver() {
  const table = new SeriesTable();
  const known = createKnownSeries(table)!;
  const decode = createWriteRequestDecoder({ shortcut: known });
  return { table, known, receive: (body: Uint8Array) => receive(table, known, decode, body) };
}

function receive(
  table: SeriesTable,
  known: KnownSeries,
  decode: (body: Uint8Array) => WriteRequestColumns,
  body: Uint8Array,
): unknown {
  let columns = decode(placed(table, body));
  if (!known.isActive) {
    known.series = new Uint32Array(columns.seriesCount);
    table.resolve(columns.body, columns.labelsStart, columns.labelsEnd, columns.seriesCount, known.series);
  } else if (known.firstUnknown >= 0) {
    if (table.keys.arena!.reserve(1 << 20)) columns = decode(placed(table, body));
    const view = new DataView(columns.body.buffer, columns.body.byteOffset, columns.body.byteLength);
    const { labelsStart, labelsEnd, seriesCount } = columns;
    table.createUnknown(view, labelsStart, labelsEnd, known.firstUnknown, seriesCount, known.series);
  }
  return plain(table, columns, known.series);
}

function plain(table: SeriesTable, columns: WriteRequestColumns, series: Uint32Array): unknown {
  return Array.from({ length: columns.seriesCount }, (_, i) => {
    const from = columns.sampleStart[i]!;
    const to = columns.sampleStart[i + 1]!;
    return {
      labels: table.labels(series[i]!),
      bytes: [...columns.body.subarray(columns.labelsStart[i]!, columns.labelsEnd[i]!)],
      timestamps: [...columns.timestamps.subarray(from, to)],
      bits: [...columns.valueBits.subarray(2 * from, 2 * to)],
    };
  });
}

/** What a table and a decoder without a shortcut say. */
function twin() {
  const table = new SeriesTable();
  const decode = createWriteRequestDecoder();
  return (body: Uint8Array) => {
    const columns = decode(body);
    const series = new Uint32Array(columns.seriesCount);
    table.resolve(columns.body, columns.labelsStart, columns.labelsEnd, columns.seriesCount, series);
    return plain(table, columns, series);
  };
}

const labels = (i: number) => ['__name__', `metric_${i % 3}`, 'instance', 'host'.repeat(i % 40), 'n', `${i}`];
const timestampMs = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }) },
  fc.constantFrom(0, -1, 2 ** 35 - 1, 2 ** 35, 2 ** 42 - 1, 2 ** 42, 2 ** 52),
);
const value = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 'stale' as const));
const samples = fc.array(fc.record({ timestampMs, value }), { maxLength: 3 });
const series = fc.record({ labels: fc.nat(12).map(labels), samples });
const request = fc.record({ series: fc.array(series, { maxLength: 12 }) });

describe('KnownSeries', () => {
  const { receive } = receiver();
  const expected = twin();

  it('gives what the decoder and the table give without it', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), fc.array(fc.nat(3), { maxLength: 12 }), (requests, order) => {
        const bodies = requests.map((each) => encodeWriteRequest(each));
        for (const i of order) {
          const body = bodies[i % Math.max(1, bodies.length)] ?? new Uint8Array(0);
          expect(receive(body)).toEqual(expected(body));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes and refuses damaged bodies as the decoder does, and goes on', () => {
    const damage = fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(request, damage, fc.nat(40), (sound, changes, cut) => {
        const body = encodeWriteRequest(sound);
        const damaged = body.slice(0, body.length - (cut < 20 ? 0 : cut - 20));
        for (const [at, byte] of changes) if (damaged.length > 0) damaged[at % damaged.length] = byte;
        for (const each of [body, body, damaged, body]) expect(attempt(receive, each)).toEqual(attempt(expected, each));
      }),
      { numRuns: 1000 },
    );
  });

  it('notices a difference at every byte of a key, whatever its length', () => {
    const { receive } = receiver();
    const expected = twin();
    const body = (metric: string) =>
      encodeWriteRequest({
        series: ['first', metric].map((name) => ({
          labels: ['__name__', name],
          samples: [{ timestampMs: 1_700_000_000_000, value: 1 }],
        })),
      });
    const keyBytesBesidesMetric = 14;
    for (const keyBytes of [16, 17, 31, 32, 33, 63, 64, 65, 79, 80, 127, 128, 129, 192]) {
      const metric = 'x'.repeat(keyBytes - keyBytesBesidesMetric);
      for (let at = 0; at < metric.length; at++) {
        // The kernel compares with what followed the first series last time.
        const changed = `${metric.slice(0, at)}y${metric.slice(at + 1)}`;
        for (const each of [metric, changed]) expect(receive(body(each))).toEqual(expected(body(each)));
      }
    }
  });

  it('looks up single series only until it knows their order', () => {
    const { table, known, receive } = receiver();
    const body = (from: number, at: number) =>
      encodeWriteRequest({
        series: Array.from({ length: 10_000 }, (_, i) => ({
          labels: labels((from + i) % 10_000),
          samples: [{ timestampMs: at, value: i }],
        })),
      });
    let lookUps = 0;
    const find = table.keys.find.bind(table.keys);
    table.keys.find = (...range) => {
      lookUps++;
      return find(...range);
    };
    receive(body(0, 1_700_000_000_000));
    expect(lookUps).toBe(10_000);
    lookUps = 0;
    receive(body(0, 1_700_000_000_004));
    expect(lookUps).toBe(1);
    receive(body(5000, 1_700_000_000_005));
    expect(lookUps).toBeLessThan(5);
    expect(known.series.indexOf(UNKNOWN_SERIES)).toBe(-1);
    expect(table.count).toBe(10_000);
  });
});

function attempt(run: (body: Uint8Array) => unknown, body: Uint8Array): unknown {
  try {
    return run(body);
  } catch (error) {
    if (error instanceof Error && (isWireError(error) || error.name === 'InvalidSeriesError')) return error.message;
    throw error;
  }
}
