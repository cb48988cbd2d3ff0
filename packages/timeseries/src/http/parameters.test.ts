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

describe('whole numbers', () => {
  it('have 64 bits', () => {
    const of = (text: string) => new Parameters(`/x?limit=${encodeURIComponent(text)}`, undefined);
    expect(of('9223372036854775807').limit()).toBe(2 ** 63);
    expect(of('+9223372036854775807').number('limit')).toBe(2 ** 63);
    expect(() => of('9223372036854775808').limit()).toThrow('value out of range');
    expect(of(`${'0'.repeat(30)}7`).limit()).toBe(7);
    // Converted to a number, those of a large form would hold the server up for seconds.
    expect(() => of('9'.repeat(1_000_000)).limit()).toThrow('value out of range');
    expect(() => of('-1').limit()).toThrow('limit must be non-negative');
    expect(() => of('9223372036854775808').number('limit')).toThrow('limit must be a number');
  });
});

describe('times and durations', () => {
  it.each([
    ['1_0.5', 10_500],
    ['2020-01-01T00:00:00.123456Z', 1_577_836_800_123],
    ['2020-01-01T01:00:00+01:00', 1_577_836_800_000],
    ['2020-01-01T00:00:00,5Z', 1_577_836_800_500],
  ])('%s is a time', (text, timeMs) => expect(timeOf(text)).toBe(timeMs));

  it.each(['2020-01-01t00:00:00Z', '2020-01-01T00:00:00z', '2020-01-01T24:00:00Z', '_1', '1_', '1__0'])(
    '%s is none',
    (text) => expect(() => timeOf(text)).toThrow('to a valid timestamp'),
  );

  it('of durations, numbers may have underscores, and infinity is too long', () => {
    expect(parseDurationMs('1_000', fault)).toBe(1_000_000);
    expect(() => parseDurationMs('Inf', fault)).toThrow('It overflows int64');
    expect(() => parseDurationMs('NaN', fault)).toThrow('It overflows int64');
    expect(() => parseDurationMs('1e18', fault)).toThrow('It overflows int64');
    expect(() => parseDurationMs('1e400', fault)).toThrow(/to a valid duration$/);
    expect(() => parseDurationMs('\0', fault)).toThrow('cannot parse "\\x00" to a valid duration');
  });
});
