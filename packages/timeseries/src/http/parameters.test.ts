import { describe, expect, it } from 'vitest';
import { Parameters, parseDurationMs } from './parameters.ts';

const timeOf = (text: string): number => new Parameters(`/x?t=${encodeURIComponent(text)}`, undefined).time('t');
const fault = (message: string): Error => new Error(message);

describe('parameters', () => {
  it('come from the form before the query string', () => {
    const parameters = new Parameters('/x?a=1&b=2', 'a=3&c=%31+1');
    expect([parameters.text('a'), parameters.text('b'), parameters.text('c')]).toEqual(['3', '2', '1 1']);
    expect(parameters.all('a')).toEqual(['3', '1']);
    expect(parameters.fault).toBeUndefined();
  });

  it('leave out pairs that are not well formed', () => {
    const parameters = new Parameters('/x?a=%zz&b=2;c=3&d=4', undefined);
    expect([parameters.text('a'), parameters.text('b'), parameters.text('d')]).toEqual(['', '', '4']);
    expect(parameters.fault).toBe('invalid URL escape "%zz"');
    expect(new Parameters('/x?b=2;c=3', 'a=%').fault).toBe('invalid URL escape "%"');
    expect(new Parameters('/x', 'b=2;c=3').fault).toBe('invalid semicolon separator in query');
  });
});

describe('times and durations', () => {
  it.each([
    ['1_0.5', 10_500],
    ['2020-01-01T00:00:00.123456Z', 1_577_836_800_123],
    ['2020-01-01T01:00:00+01:00', 1_577_836_800_000],
  ])('%s is a time', (text, timeMs) => expect(timeOf(text)).toBe(timeMs));

  it.each(['2020-01-01t00:00:00Z', '2020-01-01T00:00:00z', '2020-01-01T24:00:00Z', '_1', '1_', '1__0'])(
    '%s is none',
    (text) => expect(() => timeOf(text)).toThrow('to a valid timestamp'),
  );

  it('of durations, numbers may have underscores, and infinity is too long', () => {
    expect(parseDurationMs('1_000', fault)).toBe(1_000_000);
    expect(() => parseDurationMs('Inf', fault)).toThrow('It overflows int64');
    expect(() => parseDurationMs('NaN', fault)).toThrow('to a valid duration');
  });
});
