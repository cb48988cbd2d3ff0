import { describe, expect, it } from 'vitest';
import { DataPageWriter, readDataPage } from './data-page.ts';

describe('a data page', () => {
  it('says of which series its samples are', () => {
    const writer = new DataPageWriter();
    const column = Float64Array.of(1, 2, 3);
    for (const series of [3, 4, 9]) writer.add(series, column, column, undefined);
    expect([...readDataPage(writer.finish()).series]).toEqual([3, 4, 9]);
  });

  it('is refused where its runs together are more series than it can have', () => {
    const runs = 1000;
    const page = Uint8Array.of(
      1,
      ...[(runs & 127) | 128, runs >> 7],
      ...Array.from({ length: runs }, () => [0, 0xff, 0x1f]).flat(),
    );
    // 4095 series each: 4 million in 3 kB.
    expect(() => readDataPage(page)).toThrow('series of a run');
  });
});
