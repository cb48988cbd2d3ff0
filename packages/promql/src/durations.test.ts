import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationError, formatDuration, parseDuration } from './durations.ts';
import { formatShortest, parseNumber } from './numbers.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1y2w3d4h5m6s7ms', 33_019_506_007],
    ['1500ms', 1500],
    ['292y', 292 * 365 * 86_400_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['', 'empty duration string'],
    ['5', 'not a valid duration string: "5"'],
    ['m', 'not a valid duration string: "m"'],
    ['5m5', 'not a valid duration string: "5m5"'],
    ['-5m', 'not a valid duration string: "-5m"'],
    ['1m1h', 'not a valid duration string: "1m1h"'],
    ['1h1h', 'not a valid duration string: "1h1h"'],
    ['5x', 'unknown unit "x" in duration "5x"'],
    ['5M', 'unknown unit "M" in duration "5M"'],
    ['1.5h', 'unknown unit "." in duration "1.5h"'],
    ['293y', 'duration out of range'],
    ['292y52w', 'duration out of range'],
    ['99999999999999999999999y', 'not a valid duration string: "99999999999999999999999y"'],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new DurationError(message));
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [0.9, '0s'],
    [1500, '1s500ms'],
    [90 * 86_400_000, '90d'],
    [14 * 86_400_000, '2w'],
    [365 * 86_400_000, '1y'],
    [372 * 86_400_000, '372d'],
    [-90_000, '-1m30s'],
  ])('writes %d ms', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 42 }), (ms) => void expect(parseDuration(formatDuration(ms))).toBe(ms)));
  });
});

describe('numbers', () => {
  it.each([
    ['0755', 493],
    ['089', 89],
    ['0x1F', 31],
    ['0x_1f', 31],
    ['1_000', 1000],
    ['1_0.5_0e1_0', 10.5e10],
    ['5.', 5],
    ['.5', 0.5],
    ['9223372036854775807', 2 ** 63],
    ['01000000000000000000000000', 1e24],
    ['iNf', Number.POSITIVE_INFINITY],
    ['1e-400', 0],
  ])('reads %s', (text, value) => {
    expect(parseNumber(text)).toEqual({ value });
  });

  it.each([
    ['1e', 'invalid syntax'],
    ['1_', 'invalid syntax'],
    ['0x', 'invalid syntax'],
    ['0xffffffffffffffffff', 'invalid syntax'],
    ['1e309', 'value out of range'],
  ])('says what is wrong with %s', (text, reason) => {
    expect(parseNumber(text)).toEqual({
      error: `error parsing number: strconv.ParseFloat: parsing "${text}": ${reason}`,
    });
  });

  it('are written as Go does', () => {
    expect([1e5, 1e6, 1234567.5, 1e-4, 1e-5, -0, Number.NaN, 1e21].map(formatShortest)).toEqual([
      '100000',
      '1e+06',
      '1.2345675e+06',
      '0.0001',
      '1e-05',
      '-0',
      'NaN',
      '1e+21',
    ]);
  });
});
