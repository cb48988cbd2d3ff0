import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { randomFrom } from '../codec/columns.testing.ts';
import { PageFormatError } from '../codec/errors.ts';
import { INDEX_PAGE_VERSION } from './block-format.ts';
import { DictionaryPageWriter, readDictionaryPage } from './dictionary-page.ts';
import { openIndexPage, packPage, unpackedBytes } from './packed-page.ts';

const values = Array.from({ length: 500 }, (_, i) => `pod-${(i * 7919) % 1000}-${'abcdef'.slice(i % 6)}`);

function dictionaryPage(): Uint8Array {
  const writer = new DictionaryPageWriter();
  for (const value of values) writer.add(value);
  return writer.finish();
}

describe('a packed page of the index', () => {
  it('is shorter and means the same', () => {
    const page = dictionaryPage();
    const packed = packPage(page);
    expect(packed.length).toBeLessThan(page.length * 0.7);
    expect(unpackedBytes(packed)).toBe(page.length);
    expect(readDictionaryPage(packed)).toEqual(values);
    expect(readDictionaryPage(page)).toEqual(values);
  });

  it('stays as it is where that would save little', () => {
    const random = randomFrom(1);
    const page = Uint8Array.from({ length: 1000 }, (_, i) => (i === 0 ? INDEX_PAGE_VERSION : random() * 256));
    expect(packPage(page)).toBe(page);
    expect(unpackedBytes(page)).toBe(1000);
  });

  it('is refused or read, whatever byte is changed or cut off', () => {
    const random = randomFrom(2);
    const packed = packPage(dictionaryPage());
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const page = packed.slice(0, round % 4 === 0 ? Math.floor(random() * packed.length) : packed.length);
      if (page.length > 0) page[Math.floor(random() * page.length)]! ^= 1 << Math.floor(random() * 8);
      try {
        readDictionaryPage(page);
      } catch (error) {
        if (!(error instanceof PageFormatError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  it('does not make a reader allocate more than it says, or more than deflate can make', () => {
    const deflated = deflateRawSync(new Uint8Array(1 << 20));
    const open = (...length: number[]) => openIndexPage(Uint8Array.of(2, ...length, ...deflated));
    expect(() => open(100)).toThrow(PageFormatError);
    expect(() => open(0xff, 0xff, 0xff, 0xff, 0x0f)).toThrow('an index page of 4294967295 bytes');
    expect(() => open(0xff, 0xff, 0x7f)).toThrow('an index page of 2097151 bytes');
  });
});
