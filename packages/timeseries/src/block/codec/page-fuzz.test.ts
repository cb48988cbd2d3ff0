import { describe, expect, it } from 'vitest';
import { randomFrom, shapes } from './columns.testing.ts';
import { PageFormatError } from './errors.ts';
import { PageReader } from './page-reader.ts';
import { PageWriter } from './page-writer.ts';

const MAX_TIMESTAMPS = 20_000;

const writer = new PageWriter();

function samplePage(seed: number): Uint8Array<ArrayBuffer> {
  const random = randomFrom(seed);
  const names = Object.keys(shapes);
  for (let i = 0; i < 12; i++) {
    const count = 1 + Math.floor(random() * 120);
    const values = Float64Array.from(shapes[names[Math.floor(random() * names.length)]!]!(random, count));
    if (random() < 0.3) values[Math.floor(random() * count)] = Number.NaN;
    const jitter = random() < 0.5 ? 0 : 3;
    const start = random() < 0.5 ? 0 : 1e12;
    const timestamps = values.map((_, k) => start + k * 1000 + Math.floor(random() * jitter));
    writer.addSeries(timestamps, values);
  }
  return writer.finish();
}

/** Decodes everything. Returns the samples read, or the error; anything but a PageFormatError fails the test. */
function decodeAll(bytes: Uint8Array): number | PageFormatError {
  try {
    const page = new PageReader(bytes, { maxTimestamps: MAX_TIMESTAMPS });
    let samples = 0;
    for (let series = 0; series < Math.min(page.seriesCount, 50); series++) {
      const count = page.sampleCount(series);
      expect(count).toBeLessThanOrEqual(MAX_TIMESTAMPS);
      expect(page.timestamps(series).length).toBe(count);
      samples += page.readValues(series, new Float64Array(count));
    }
    return samples;
  } catch (error) {
    if (!(error instanceof PageFormatError)) throw error;
    expect(error.message).toContain(`byte ${error.offset}`);
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    return error;
  }
}

describe('damaged pages', () => {
  it('are refused or read, whatever byte is changed', () => {
    const random = randomFrom(11);
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const page = samplePage(round >> 5);
      const changes = 1 + Math.floor(random() * 4);
      for (let i = 0; i < changes; i++) {
        const at = Math.floor(random() * page.length);
        page[at] = random() < 0.5 ? page[at]! ^ (1 << Math.floor(random() * 8)) : Math.floor(random() * 256);
      }
      if (decodeAll(page) instanceof PageFormatError) refused++;
    }
    expect(refused).toBeGreaterThan(150);
  });

  it('are refused when they are cut or longer than they say', () => {
    const page = samplePage(5);
    for (let length = 0; length < page.length; length++) {
      expect(decodeAll(page.slice(0, length))).toBeInstanceOf(PageFormatError);
    }
    const longer = new Uint8Array(page.length + 1);
    longer.set(page);
    expect(decodeAll(longer)).toBeInstanceOf(PageFormatError);
  });

  it('are refused or read when parts of one are put into another', () => {
    const random = randomFrom(12);
    for (let round = 0; round < 600; round++) {
      const page = samplePage(round >> 5);
      const other = samplePage(100 + (round & 7));
      const length = Math.floor(random() * 40);
      const from = Math.floor(random() * (other.length - length));
      page.set(other.subarray(from, from + length), Math.floor(random() * (page.length - length)));
      decodeAll(page);
    }
  });

  it('are refused or read when they are noise behind a plausible header', () => {
    const random = randomFrom(13);
    for (let round = 0; round < 1500; round++) {
      const sizes = [0, 1, 2].map(() => 1 + Math.floor(random() * 60));
      const total = 28 + sizes[0]! + sizes[1]! + sizes[2]! + 8;
      const page = new Uint8Array(total);
      for (let i = 28; i < total; i++) page[i] = random() < 0.4 ? Math.floor(random() * 8) : Math.floor(random() * 256);
      const view = new DataView(page.buffer);
      page[0] = 1;
      view.setUint32(4, 1 + Math.floor(random() * 4), true);
      view.setUint32(8, 1 + Math.floor(random() * 3), true);
      view.setUint32(12, Math.floor(random() * 300), true);
      sizes.forEach((size, i) => {
        view.setUint32(16 + 4 * i, size, true);
      });
      decodeAll(page);
    }
  });

  it('do not make a reader allocate more than it allows', () => {
    const timestamps = Float64Array.from({ length: 30_000 }, (_, i) => i);
    writer.addSeries(timestamps, timestamps);
    const page = writer.finish();
    expect(page.length).toBeLessThan(100);
    expect(decodeAll(page)).toBeInstanceOf(PageFormatError);
    expect(new PageReader(page).sampleCount(0)).toBe(30_000);
  });

  it('are told by version, compression and flags', () => {
    for (const at of [0, 1, 2, 3]) {
      const page = samplePage(1);
      page[at] = 9;
      expect(decodeAll(page)).toMatchObject({ offset: Math.min(at, 2) });
    }
  });
});
