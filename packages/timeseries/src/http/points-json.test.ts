import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBytes } from './json-bytes.ts';
import { createTextPointsWriter, POINTS_PER_BATCH, type PointsWriter, pointsWriter } from './points-json.ts';

const asText = createTextPointsWriter();

function written(writer: PointsWriter, timestamps: Float64Array, values: Float64Array): string {
  const out = new JsonBytes(16);
  for (let from = 0; from < values.length; from += POINTS_PER_BATCH) writer(out, timestamps, values, from);
  return out.finish().toString();
}

function check(values: Float64Array, timestamps = Float64Array.from(values, (_, i) => i * 1500)): void {
  expect(written(pointsWriter(), timestamps, values)).toBe(written(asText, timestamps, values));
}

describe('pointsWriter', () => {
  it('prints every kind of number as JavaScript does', () => {
    const values = [
      0,
      -0,
      Number.NaN,
      Infinity,
      -Infinity,
      0.1 + 0.2,
      1e20,
      1e21,
      1e-6,
      9.9e-7,
      5e-324,
      1e23,
      9007199254740992,
    ];
    for (let e = -1074; e < 1024; e++) values.push(2 ** e, -(2 ** e) * (1 + 2 ** -52), 2 ** e * (1 - 2 ** -53));
    for (let e = -324; e < 309; e++) for (const m of [1, 2, 5, 9, 12, 99, 123456789]) values.push(Number(`${m}e${e}`));
    check(Float64Array.from(values));
  });

  it('prints random bits and numbers of everyday size', () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 200 }), (values) => check(values)),
      { numRuns: 500 },
    );
    const random = new Uint32Array(20_000);
    for (let i = 0, x = 1; i < random.length; i++) random[i] = x = Math.imul(x, 1664525) + 1013904223;
    check(new Float64Array(random.buffer));
    check(Float64Array.from(random, (x) => x / 3e6));
    check(Float64Array.from(random, (x) => x / 1000));
    check(Float64Array.from(random, (x) => x));
  });

  it('writes times with and without a fraction, before and after 1970, and none', () => {
    check(new Float64Array(5).fill(1), Float64Array.of(-1500, -1, 0, 1736935200000, 1736935200123));
    check(new Float64Array(0));
  });
});
