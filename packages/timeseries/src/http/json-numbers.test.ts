import { expect, it } from 'vitest';
import { formatTime, formatValue } from './json-numbers.ts';

it.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [-1.5, '-1.5'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1e20, '100000000000000000000'],
  [1e21, '1e+21'],
  [1.2345e22, '1.2345e+22'],
  [1e-6, '0.000001'],
  [9.9e-7, '9.9e-07'],
  [1.5e-300, '1.5e-300'],
  [5e-324, '5e-324'],
  [1.7976931348623157e308, '1.7976931348623157e+308'],
  [123456789012345680000, '123456789012345680000'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
])('value %d is %s', (value, text) => {
  expect(formatValue(value)).toBe(text);
});

it.each([
  [0, '0'],
  [1, '0.001'],
  [-1, '-0.001'],
  [1500, '1.500'],
  [1435781430781, '1435781430.781'],
  [1435781430000, '1435781430'],
  [-1435781430010, '-1435781430.010'],
])('time %d is %s', (timeMs, text) => {
  expect(formatTime(timeMs)).toBe(text);
});
