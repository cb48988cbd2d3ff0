import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidSeriesError, OverloadedError } from './errors.ts';
import { encodeLabels } from './label-bytes.ts';
import { SeriesTable } from './series-table.ts';

/** Label runs in one buffer, as the decoder gives them. */
function requestOf(runs: readonly Uint8Array[]) {
  const body = new Uint8Array(3 + runs.reduce((sum, run) => sum + run.length, 0));
  const starts = new Uint32Array(runs.length);
  const ends = new Uint32Array(runs.length);
  let at = 3;
  runs.forEach((run, i) => {
    body.set(run, at);
    starts[i] = at;
    at += run.length;
    ends[i] = at;
  });
  return { body, starts, ends, count: runs.length };
}

function resolve(table: SeriesTable, runs: readonly Uint8Array[]): number[] {
  const { body, starts, ends, count } = requestOf(runs);
  const out = new Uint32Array(count + 2);
  table.resolve(body, starts, ends, count, out);
  return [...out.subarray(0, count)];
}

const name = fc.constantFrom('__name__', 'a', 'b', 'job', 'é', 'with.dots');
const value = fc.constantFrom('x', 'y', 'up', '雪', '', 'a much longer value than the others have');
const labelSet = fc.uniqueArray(fc.tuple(name, value), { selector: ([n]) => n, maxLength: 5 });

describe('SeriesTable', () => {
  it('gives equal label sets one number, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(labelSet, { maxLength: 40 }), (sets) => {
        const table = new SeriesTable();
        const named = sets.map((set) => [['__name__', 'm'] as const, ...set.filter(([n]) => n !== '__name__')]);
        const numbers = resolve(
          table,
          named.map((set) => encodeLabels(set.flat())),
        );
        const numberOf = new Map<string, number>();
        named.forEach((set, i) => {
          const kept = set.filter(([, v]) => v !== '').sort(([a], [b]) => (a < b ? -1 : 1));
          const key = JSON.stringify(kept);
          if (!numberOf.has(key)) numberOf.set(key, numbers[i]!);
          expect(numbers[i]).toBe(numberOf.get(key));
          expect(table.labels(numbers[i]!)).toEqual(kept.flat());
          expect(table.keys.canonicalBytes(numbers[i]!)).toEqual(encodeLabels(kept.flat()));
        });
        expect(table.count).toBe(numberOf.size);
        expect(
          resolve(
            table,
            named.map((set) => encodeLabels(set.flat())),
          ),
        ).toEqual(numbers);
        expect(table.count).toBe(numberOf.size);
      }),
    );
  });

  it('accepts fields in another order, unknown fields and long varints', () => {
    const table = new SeriesTable();
    const plain = table.resolveOne(encodeLabels(['__name__', 'm', 'a', 'b']));
    const swapped = Uint8Array.from([
      0x0a,
      15,
      0x12,
      1,
      0x6d,
      0x0a,
      8,
      ...Buffer.from('__name__'),
      0x18,
      5, // value, name, field 3
      0x0a,
      0x89,
      0x00,
      0x0a,
      1,
      0x61,
      0x12,
      1,
      0x62,
      0x22,
      1,
      0x7a, // two-byte length, field 4
    ]);
    expect(table.resolveOne(swapped)).toBe(plain);
  });

  it.each([
    ['no metric name', ['a', 'b'], 'series without a metric name'],
    ['an empty metric name', ['__name__', '', 'a', 'b'], 'series without a metric name'],
    ['an empty label name', ['__name__', 'm', '', 'b'], 'label name is empty'],
    ['a label twice', ['__name__', 'm', 'a', 'b', 'a', 'c'], 'label name "a" is not unique'],
    ['no labels', [], 'series without a metric name'],
  ])('refuses %s and creates nothing', (_what, labels, message) => {
    const table = new SeriesTable();
    const good = encodeLabels(['__name__', 'good']);
    expect(() => resolve(table, [good, encodeLabels(labels)])).toThrow(message);
    expect(table.count).toBe(0);
    expect(table.index.pairCount).toBe(0);
  });

  it('refuses bytes that are not UTF-8 or not labels', () => {
    const table = new SeriesTable();
    const run = encodeLabels(['__name__', 'm', 'abc', 'def']);
    const badName = run.map((byte) => (byte === 0x62 ? 0xff : byte));
    expect(() => table.resolveOne(badName)).toThrow('label name is not valid UTF-8');
    const badValue = run.map((byte) => (byte === 0x66 ? 0xc0 : byte));
    expect(() => table.resolveOne(badValue)).toThrow('label value is not valid UTF-8');
    for (let length = 1; length < run.length; length++) {
      if (length === 15) continue; // exactly the first label
      expect(() => table.resolveOne(run.subarray(0, length))).toThrow(InvalidSeriesError);
    }
    expect(table.count).toBe(0);
  });

  it('takes long values', () => {
    const table = new SeriesTable();
    for (const length of [4000, 5000, 10_000, 300_000]) {
      const labels = ['__name__', 'm', 'a', 'x'.repeat(length)];
      const series = table.resolveOne(encodeLabels(labels));
      expect(table.labels(series)).toEqual(labels);
    }
    expect(() => table.resolveOne(encodeLabels(['__name__', 'm', 'a', 'x'.repeat(2_000_000)]))).toThrow('is over');
  });

  it('takes no more series than it may have, and a request whole or not at all', () => {
    const table = new SeriesTable();
    table.maxCount = 3;
    const run = (i: number) => encodeLabels(['__name__', `m${i}`]);
    resolve(table, [run(0), run(1)]);
    expect(() => resolve(table, [run(0), run(2), run(3)])).toThrow('head.max_series');
    expect(table.count).toBe(2);
    expect(table.index.pairCount).toBe(2);
    resolve(table, [run(1), run(2)]);
    expect(() => table.resolveOne(run(3))).toThrow('head.max_series');
    expect(table.resolveOne(run(0))).toBe(0);
    expect(table.count).toBe(3);
  });

  it('refuses series where the memory of labels is full, and takes others once there is room', () => {
    const table = new SeriesTable();
    const { arena } = table.keys;
    expect(() => arena!.reserve(5 * 2 ** 30)).toThrow(OverloadedError);
    const reserve = arena!.reserve.bind(arena);
    arena!.reserve = () => reserve(5 * 2 ** 30);
    const run = encodeLabels(['__name__', 'm', 'a', 'b']);
    expect(() => table.resolveOne(run)).toThrow(OverloadedError);
    expect([table.count, table.limit, table.has(0)]).toEqual([0, 0, false]);
    arena!.reserve = reserve;
    expect(table.resolveOne(run)).toBe(0);
    expect(table.labels(0)).toEqual(['__name__', 'm', 'a', 'b']);
  });

  it('refuses or reads any bytes', () => {
    const table = new SeriesTable();
    fc.assert(
      fc.property(
        labelSet,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (set, changes) => {
          const run = encodeLabels(['__name__', 'm', ...set.flat()]);
          for (const [at, byte] of changes) run[at % run.length] = byte;
          try {
            const series = table.resolveOne(run);
            expect(table.labels(series)).toContain('__name__');
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidSeriesError);
          }
        },
      ),
    );
  });

  it('costs less than 800 bytes a series with a dozen labels', () => {
    const table = new SeriesTable();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const labels = ['__name__', `http_requests_${i % 50}_total`, 'cluster', 'eu-west-1', 'container', 'main'];
      labels.push('endpoint', 'http-metrics', 'instance', `10.0.${i % 200}.7:8080`, 'job', 'kubernetes-pods');
      labels.push('namespace', `team-${i % 20}`, 'node', `node-${i % 90}`, 'path', `/api/v1/things/${i}`);
      labels.push('pod', `checkout-${i % 1000}-x2v5p`, 'prometheus', 'monitoring/k8s', 'service', 'checkout');
      table.resolveOne(encodeLabels(labels));
    }
    expect(table.count).toBe(count);
    expect(table.memoryBytes / count).toBeLessThan(800);
  });
});
