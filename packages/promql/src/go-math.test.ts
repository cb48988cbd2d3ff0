import { describe, expect, it } from 'vitest';
import { createEngine } from './engine/engine.ts';

const source = { select: async () => [] };

describe('functions of Go, bit by bit as Prometheus 3.15 answers', () => {
  it.each([
    ['sin(vector(1000))', 0.8268795405320026],
    ['cos(vector(5))', 0.2836621854632263],
    ['tan(vector(1000))', 1.4703241557027187],
    ['atan(vector(1000))', 1.5697963271282296],
    ['vector(7) atan2 -2', 1.849095985800008],
    ['vector(-7) atan2 -2', -1.849095985800008],
    ['asin(vector(-0.7))', -0.775397496610753],
    ['acos(vector(0.01))', 1.5607961601207294],
    ['sinh(vector(0.2))', 0.201336002541094],
    ['sinh(vector(-709.9))', -Infinity],
    ['cosh(vector(709.9))', Infinity],
    ['tanh(vector(0.7))', 0.6043677771171635],
    ['tanh(vector(0.01))', 0.00999966667999946],
    ['vector(10)^45', 1.0000000000000001e45],
    ['vector(0.3)^3', 0.027],
    ['vector(7)^-2', 0.02040816326530612],
    ['vector(-3)^3', -27],
    ['vector(7)^1.5', 18.520259177452136],
    ['vector(23)^33.7', 7.766548770934264e45],
    ['vector(2)^-1074', 5e-324],
    ['vector(2)^1024', Infinity],
    ['vector(0.5)^-1023', 8.98846567431158e307],
    ['log2(vector(3))', 1.5849625007211563],
    ['log10(vector(5))', 0.6989700043360187],
    ['log10(vector(1000))', 3],
    ['log10(vector(17.007997622713447))', 1.2306531864758758],
    ['tanh(vector(0.5217181225307286))', 0.4790249750106313],
    ['acosh(vector(21.831829687580466))', 3.7759912325250315],
    ['sin(vector(-0.5))', -0.479425538604203],
    ['cos(vector(-4))', -0.6536436208636119],
    ['tan(vector(-4))', -1.1578212823495775],
  ])('%s', async (query, expected) => {
    expect(await createEngine().instant(source, query, 0)).toMatchObject({ value: [{ value: expected }] });
  });
});
