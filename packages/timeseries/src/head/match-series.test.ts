import { type Matcher, parseMetricSelector } from '@opendata/promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeLabels } from './label-bytes.ts';
import { matchSeries } from './match-series.ts';
import { SeriesTable } from './series-table.ts';

const VALUES = ['', 'x', 'y', 'xy', 'z1', 'z2'];

/** Every combination of two labels, the empty value meaning no label. */
function table(): { table: SeriesTable; series: { a: string; b: string }[] } {
  const result = new SeriesTable();
  const series = VALUES.flatMap((a) => VALUES.map((b) => ({ a, b })));
  for (const { a, b } of series) result.resolveOne(encodeLabels(['__name__', 'm', 'a', a, 'b', b]));
  return { table: result, series };
}

const matcher: fc.Arbitrary<Matcher> = fc.oneof(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', '__name__'),
    type: fc.constantFrom('=' as const, '!=' as const),
    value: fc.constantFrom(...VALUES, 'm', 'unknown'),
  }),
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', '__name__'),
    type: fc.constantFrom('=~' as const, '!~' as const),
    value: fc.constantFrom('', '.*', '.+', 'x|y', 'x|', 'z.', 'x?y?', 'm', '(x|z)[12]?', 'unknown|x'),
  }),
);

describe('matchSeries', () => {
  it('finds what a look at every series finds', async () => {
    const { table: seriesTable, series } = table();
    await fc.assert(
      fc.asyncProperty(fc.array(matcher, { maxLength: 4 }), async (matchers) => {
        const expected = series.flatMap(({ a, b }, id) => {
          const labels: Record<string, string> = { a, b, __name__: 'm' };
          return matchers.every((m) => holds(m, labels[m.name] ?? '')) ? [id] : [];
        });
        expect([...(await matchSeries(seriesTable.index, seriesTable.count, matchers))]).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the event loop its turns between values of a regular expression', async () => {
    const { table: seriesTable } = table();
    let turns = 0;
    const yielder = async () => void turns++;
    const matchers = parseMetricSelector('m{a=~".*[a-z].*"}');
    await matchSeries(seriesTable.index, seriesTable.count, matchers, yielder);
    expect(turns).toBeGreaterThan(0);
  });

  it('answers a parsed selector', async () => {
    const { table: seriesTable } = table();
    const matchers = parseMetricSelector('m{a=~"z.", b!="x"}');
    expect((await matchSeries(seriesTable.index, seriesTable.count, matchers)).length).toBe(10);
  });
});

function holds({ type, value }: Matcher, actual: string): boolean {
  if (type === '=') return actual === value;
  if (type === '!=') return actual !== value;
  return new RegExp(`^(?:${value})$`, 's').test(actual) === (type === '=~');
}
