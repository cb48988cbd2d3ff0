import type { QueryResult } from '@opendata/promql';
import { describe, expect, it } from 'vitest';
import { dataResponse, type Pieces, writeQueryResponse, writeTextsResponse } from './json-writer.ts';

const stats = {
  peakSamples: 0,
  totalSamples: 0,
  durationMs: 0,
  queueMs: 0,
  preparationMs: 0,
  evaluationMs: 0,
  sortMs: 0,
};
const notes = { warnings: [], infos: [], stats };

function piecesOf(result: QueryResult): Buffer[] {
  return allOf(writeQueryResponse(result, { warnings: [] }));
}

function allOf(answer: Pieces): Buffer[] {
  const pieces: Buffer[] = [];
  for (;;) {
    const { value, done } = answer.next();
    if (value !== undefined) pieces.push(value);
    if (done) return pieces;
  }
}

function dataOf(result: QueryResult): unknown {
  const { data } = JSON.parse(Buffer.concat(piecesOf(result)).toString()) as { data: { result: unknown } };
  return data.result;
}

describe('writeQueryResponse', () => {
  it('writes a series of any length in pieces of bounded size', () => {
    const timestamps = Float64Array.from({ length: 300_000 }, (_, i) => i * 1000);
    const values = timestamps.map((t) => t / 7);
    const result: QueryResult = { ...notes, type: 'matrix', value: [{ labels: ['a', 'b'], timestamps, values }] };
    const pieces = piecesOf(result);
    expect(pieces.length).toBeGreaterThan(20);
    for (const piece of pieces) expect(piece.length).toBeLessThan(512 * 1024);
    const text = Buffer.concat(pieces).toString();
    const { data } = JSON.parse(text) as { data: { result: { values: [number, string][] }[] } };
    expect(data.result[0]!.values).toHaveLength(300_000);
    expect(data.result[0]!.values.every(([time, value], i) => time === i && Number(value) === values[i])).toBe(true);
  });

  it('writes labels outside of ASCII', () => {
    const labels = ['größe', '€ "𝄞" \n'];
    const result: QueryResult = { ...notes, type: 'vector', timestampMs: 1500, value: [{ labels, value: 1 }] };
    expect(dataOf(result)).toEqual([{ metric: { größe: '€ "𝄞" \n' }, value: [1.5, '1'] }]);
  });

  it('writes floats and histograms of a series into lists of their own', () => {
    const histogram = {
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      count: 1,
      sum: 2,
      positiveSpans: [],
      positiveBuckets: [],
      negativeSpans: [],
      negativeBuckets: [],
      customValues: [],
      counterResetHint: 'unknown' as const,
    };
    const series = {
      labels: [],
      timestamps: Float64Array.of(0, 1000, 2000),
      values: Float64Array.of(1, 0, 3),
      histograms: [undefined, histogram, undefined],
    } as unknown as { labels: string[]; timestamps: Float64Array; values: Float64Array };
    const result: QueryResult = { ...notes, type: 'matrix', value: [series] };
    expect(dataOf(result)).toEqual([
      {
        metric: {},
        values: [
          [0, '1'],
          [2, '3'],
        ],
        histograms: [[1, { count: '1', sum: '2' }]],
      },
    ]);
  });
});

it('writes lists of texts as one conversion of all of them would', () => {
  for (const count of [0, 1, 1023, 1024, 1025, 5000]) {
    const texts = Array.from({ length: count }, (_, i) => `<${i}>"\\ é\u2028`);
    expect(Buffer.concat(allOf(writeTextsResponse(texts, ['a warning']))).toString()).toBe(
      dataResponse(texts, ['a warning']),
    );
  }
  expect(Buffer.concat(allOf(writeTextsResponse(['a'], []))).toString()).toBe(dataResponse(['a']));
});
