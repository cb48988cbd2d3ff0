/**
 * Trigonometric and hyperbolic functions as Go computes them, after Cephes: JavaScript engines do so otherwise, and
 * results would differ in their last bit now and then. That shows where they are compared, become labels or stand in a
 * message. Angles beyond 2^29 may still differ so.
 */
import { exp, log } from './go-exponentials.ts';

/** Value of a polynomial, its coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

const SINE = [
  1.5896230157654656e-10, -2.5050747762857807e-8, 2.7557313621385722e-6, -0.0001984126982958954, 0.008333333333322118,
  -0.1666666666666663,
];
const COSINE = [
  -1.1358536521387682e-11, 2.087570084197473e-9, -2.755731417929674e-7, 2.4801587288851704e-5, -0.0013888888888873056,
  0.041666666666666595,
];
const TANGENT_TOP = [-13093.693918138373, 1153516.6483858742, -17956525.197648488];
const TANGENT_BOTTOM = [1, 13681.296347069296, -1320892.3444021097, 25008380.18233579, -53869575.592945464];
/** π/4 in three parts. */
const QUARTER_PI = [0.7853981256484985, 3.774894707930798e-8, 2.6951514290790595e-15] as const;
/** Above this Go reduces the argument in more digits than three parts have. */
const LARGEST_REDUCED = 2 ** 29;

/** Octant (even, of 8) and what remains of a positive angle after it. */
function reduced(angle: number): [octant: number, rest: number] {
  let octant = Math.trunc(angle * (4 / Math.PI));
  if (octant % 2 === 1) octant++;
  const rest = angle - octant * QUARTER_PI[0] - octant * QUARTER_PI[1] - octant * QUARTER_PI[2];
  return [octant % 8, rest];
}

function sineOf(z: number): number {
  const square = z * z;
  return z + z * square * polynomial(SINE, square);
}

function cosineOf(z: number): number {
  const square = z * z;
  return 1 - 0.5 * square + square * square * polynomial(COSINE, square);
}

export function sin(angle: number): number {
  const magnitude = Math.abs(angle);
  if (angle === 0 || !(magnitude < LARGEST_REDUCED)) return Math.sin(angle);
  const [octant, rest] = reduced(magnitude);
  const value = octant % 4 === 2 ? cosineOf(rest) : sineOf(rest);
  return octant > 3 !== angle < 0 ? -value : value;
}

export function cos(angle: number): number {
  const magnitude = Math.abs(angle);
  if (!(magnitude < LARGEST_REDUCED)) return Math.cos(angle);
  const [octant, rest] = reduced(magnitude);
  const value = octant % 4 === 2 ? sineOf(rest) : cosineOf(rest);
  return octant === 2 || octant === 4 ? -value : value;
}

export function tan(angle: number): number {
  const magnitude = Math.abs(angle);
  if (angle === 0 || !(magnitude < LARGEST_REDUCED)) return Math.tan(angle);
  const [octant, rest] = reduced(magnitude);
  const square = rest * rest;
  let value = rest;
  if (square > 1e-14) {
    value = rest + rest * ((square * polynomial(TANGENT_TOP, square)) / polynomial(TANGENT_BOTTOM, square));
  }
  if (octant % 4 === 2) value = -1 / value;
  return angle < 0 ? -value : value;
}

const ARCTANGENT_TOP = [
  -0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025,
];
const ARCTANGENT_BOTTOM = [
  1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614,
];
/** What π/2 is larger than its float. */
const MORE_BITS = 6.123233995736766e-17;
const TAN_3_PI_8 = 2.414213562373095;

/** @param x from 0 to 0.66 */
function smallArctangent(x: number): number {
  const square = x * x;
  const z = (square * polynomial(ARCTANGENT_TOP, square)) / polynomial(ARCTANGENT_BOTTOM, square);
  return x * z + x;
}

function positiveArctangent(x: number): number {
  if (x <= 0.66) return smallArctangent(x);
  if (x > TAN_3_PI_8) return Math.PI / 2 - smallArctangent(1 / x) + MORE_BITS;
  return Math.PI / 4 + smallArctangent((x - 1) / (x + 1)) + 0.5 * MORE_BITS;
}

export function atan(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  return x > 0 ? positiveArctangent(x) : -positiveArctangent(-x);
}

export function atan2(y: number, x: number): number {
  if (y === 0 || x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return Math.atan2(y, x);
  const angle = atan(y / x);
  if (x > 0) return angle;
  return angle <= 0 ? angle + Math.PI : angle - Math.PI;
}

export function asin(x: number): number {
  if (x === 0 || !(Math.abs(x) <= 1)) return Math.asin(x);
  const magnitude = Math.abs(x);
  const other = Math.sqrt(1 - magnitude * magnitude);
  const angle =
    magnitude > 0.7 ? Math.PI / 2 - positiveArctangent(other / magnitude) : positiveArctangent(magnitude / other);
  return x < 0 ? -angle : angle;
}

export function acos(x: number): number {
  return Math.PI / 2 - asin(x);
}

const HYPERBOLIC_SINE_TOP = [-26.30563213397497, -2894.211355989564, -89912.72022039509, -630767.3640497717];
const HYPERBOLIC_SINE_BOTTOM = [1, -173.6789535582337, 15215.17378790019, -630767.3640497717];

export function sinh(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude > 0)) return x;
  let value: number;
  if (magnitude > 21) value = exp(magnitude) * 0.5;
  else if (magnitude > 0.5) {
    const power = exp(magnitude);
    value = (power - 1 / power) * 0.5;
  } else {
    const square = magnitude * magnitude;
    value = (polynomial(HYPERBOLIC_SINE_TOP, square) * magnitude) / polynomial(HYPERBOLIC_SINE_BOTTOM, square);
  }
  return x < 0 ? -value : value;
}

export function cosh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 21) return exp(magnitude) * 0.5;
  const power = exp(magnitude);
  return (power + 1 / power) * 0.5;
}

const HYPERBOLIC_TANGENT_TOP = [-0.9643991794250523, -99.28772310019185, -1614.6876844170845];
const HYPERBOLIC_TANGENT_BOTTOM = [1, 112.81167849163293, 2235.4883906010045, 4844.063053251255];

export function tanh(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude > 0)) return x;
  if (magnitude > 0.5 * 88.02969193111305) return Math.sign(x);
  if (magnitude >= 0.625) {
    const power = exp(2 * magnitude);
    const value = 1 - 2 / (power + 1);
    return x < 0 ? -value : value;
  }
  const square = x * x;
  return x + (x * square * polynomial(HYPERBOLIC_TANGENT_TOP, square)) / polynomial(HYPERBOLIC_TANGENT_BOTTOM, square);
}

/** From here on, the inverse hyperbolic functions are logarithms of twice their argument. */
const LARGE = 2 ** 28;

export function acosh(x: number): number {
  if (!(x > 2)) return Math.acosh(x);
  return x >= LARGE ? log(x) + Math.LN2 : log(2 * x - 1 / (x + Math.sqrt(x * x - 1)));
}

export function asinh(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude > 2)) return Math.asinh(x);
  const value =
    magnitude > LARGE
      ? log(magnitude) + Math.LN2
      : log(2 * magnitude + 1 / (Math.sqrt(magnitude * magnitude + 1) + magnitude));
  return x < 0 ? -value : value;
}
