import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageFormatError } from '../codec/errors.ts';
import { readStartPage, StartPageWriter, startsAt } from './start-page.ts';

const samples = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(0, 0, 1_700_000_000_000, 1_700_000_000_123, -5)),
  { maxLength: 20 },
);

async function pagesOf(
  series: readonly (readonly [number, number][])[],
): Promise<{ first: number; page: Uint8Array }[]> {
  const pages: Uint8Array[] = [];
  const sink = async (page: Uint8Array): Promise<number> => pages.push(page) - 1;
  const writer = new StartPageWriter();
  for (const [number, own] of series.entries()) {
    const [timestamps, starts] = columnsOf(own);
    if (writer.add(number, timestamps, starts)) await writer.writePage(sink);
  }
  return (await writer.finish(sink)).map(({ page, first }) => ({ first, page: pages[page]! }));
}

function columnsOf(own: readonly (readonly [number, number])[]): [Float64Array, Float64Array] {
  let time = 1_700_000_000_000;
  const timestamps = Float64Array.from(own, ([gap]) => (time += gap));
  return [timestamps, Float64Array.from(own, ([, start]) => start)];
}

describe('pages of start timestamps', () => {
  it('give back the starts of all samples', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(samples, { maxLength: 30 }), async (series) => {
        const pages = await pagesOf(series);
        expect(pages.length).toBeLessThanOrEqual(1);
        const page = pages[0] && readStartPage(pages[0].page);
        for (const [number, own] of series.entries()) {
          const [timestamps, starts] = columnsOf(own);
          const at = page?.series.indexOf(number) ?? -1;
          const found = at < 0 ? undefined : startsAt(page!, at, timestamps);
          expect(found).toEqual(starts.some((start) => start !== 0) ? starts : undefined);
        }
      }),
    );
  });

  it('are several where there are many series, a few bytes each', async () => {
    const series = Array.from({ length: 20_000 }, (_, i): [number, number][] => [
      [1 + (i % 3), 1_600_000_000_000 + i * 77],
    ]);
    const pages = await pagesOf(series);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.map(({ first, page }) => readStartPage(page).series[0] === first)).not.toContain(false);
    expect(pages.reduce((sum, { page }) => sum + page.length, 0)).toBeLessThan(series.length * 7);
  });

  it('that are damaged are refused or read, never a crash', async () => {
    const [{ page } = { page: new Uint8Array(0) }] = await pagesOf([
      [[5, 7]],
      [
        [5, 1_700_000_000_000],
        [5, 9],
      ],
    ]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(page.length - 1), fc.nat(255)), { minLength: 1 }), (changes) => {
        const bytes = page.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          readStartPage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(PageFormatError);
        }
      }),
    );
  });
});
