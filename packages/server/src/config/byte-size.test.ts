import { describe, expect, it } from 'vitest';
import { parseByteSize, printByteSize } from './byte-size.ts';

describe('parseByteSize', () => {
  it.each([
    ['0', 0],
    ['67108864', 67_108_864],
    ['512B', 512],
    ['1KB', 1024],
    ['10MB', 10 * 1024 ** 2],
    ['10 MiB', 10 * 1024 ** 2],
    ['1.5g', 1.5 * 1024 ** 3],
    ['2TiB', 2 * 1024 ** 4],
    [' 1k ', 1024],
  ])('reads %j as %i bytes', (text, sizeBytes) => {
    expect(parseByteSize(text)).toBe(sizeBytes);
  });

  it.each([[''], ['MB'], ['-1'], ['1e3'], ['10 XB'], ['1..5k'], ['1ib'], ['9999999P']])('refuses %j', (text) => {
    expect(() => parseByteSize(text)).toThrow(RangeError);
  });
});

describe('printByteSize', () => {
  it.each([
    [0, '0B'],
    [1000, '1000B'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [1024 ** 3, '1GiB'],
    [134_217_728, '128MiB'],
  ])('prints %i as %s', (sizeBytes, text) => {
    expect(printByteSize(sizeBytes)).toBe(text);
    expect(parseByteSize(text)).toBe(sizeBytes);
  });
});
