import { expect, it } from 'vitest';
import { integral } from './integral.ts';
import { windowsOf } from './windows.ts';

// Answers of Prometheus 3.16: the mean of two values is multiplied with what its rounding loses.
it.each([
  [-8.015470814229664, -4.462973396653278, 274, -1.7095468568909633],
  [-5127.171594093141, -5377.894286628006, 274, -1439.194025658797],
  [-723.013288670856, 1804.9046618610305, 548, 296.43823625410784],
  [-4807.605391009478, -2511.5159056940506, 274, -1002.7196176483835],
])('the trapezoid of %d and %d over %d ms is %d to the last bit', (before, after, timeMs, expected) => {
  const out = new Float64Array(1);
  const windows = windowsOf(Float64Array.of(0, timeMs), Float64Array.of(1000), 2000);
  integral(Float64Array.of(before, after), windows, out, [], Float64Array.of(1000), false);
  expect(out[0]).toBe(expected);
});
