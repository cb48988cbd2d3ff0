import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, printDuration } from './duration-text.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['1ms', 1],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1y', 31_536_000_000],
    ['1y2w3d4h5m6s7ms', 33_019_506_007],
    ['007s', 7000],
    ['292y', 292 * 31_536_000_000],
  ])('reads %s as %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each([
    ['', 'empty duration string'],
    ['1', 'not a valid duration string: "1"'],
    ['15 s', 'unknown unit " s" in duration "15 s"'],
    ['-1s', 'not a valid duration string: "-1s"'],
    ['1.5h', 'unknown unit "." in duration "1.5h"'],
    ['1m1h', 'not a valid duration string: "1m1h"'],
    ['1s1s', 'not a valid duration string: "1s1s"'],
    ['s', 'not a valid duration string: "s"'],
    ['5x', 'unknown unit "x" in duration "5x"'],
    ['1h30', 'not a valid duration string: "1h30"'],
    ['293y', 'duration out of range'],
  ])('refuses %j', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new RangeError(message));
  });
});

describe('printDuration', () => {
  it.each([
    [0, '0s'],
    [1, '1ms'],
    [90_000, '1m30s'],
    [604_800_000, '1w'],
    [8 * 86_400_000, '8d'],
    [366 * 86_400_000, '366d'],
    [730 * 86_400_000, '2y'],
    [3_661_001, '1h1m1s1ms'],
    [-1500, '-1s500ms'],
  ])('prints %i ms as %s', (durationMs, text) => {
    expect(printDuration(durationMs)).toBe(text);
  });

  it('prints what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_223_372_036_854 }), (durationMs) => {
        expect(parseDuration(printDuration(durationMs))).toBe(durationMs);
      }),
    );
  });
});
