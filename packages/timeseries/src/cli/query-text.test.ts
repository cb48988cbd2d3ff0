import { describe, expect, it } from 'vitest';
import { sampleText, seriesText, timeText } from './query-text.ts';
import { evaluationTime } from './query-time.ts';

describe('the text of a result', () => {
  it('names a series as PromQL does', () => {
    expect(seriesText({ __name__: 'up', job: 'b', instance: 'a"\n' })).toBe('up{instance="a\\"\\n", job="b"}');
    expect(seriesText({ __name__: 'up' })).toBe('up');
    expect(seriesText({})).toBe('{}');
    expect(seriesText({ job: 'b' })).toBe('{job="b"}');
    expect(seriesText({ __name__: 'my metric', 'my.label': 'x' })).toBe('{"my metric", "my.label"="x"}');
  });

  it('has values and times', () => {
    expect(sampleText([0, '1e+09'])).toBe('1e+09');
    expect(sampleText([0, { count: '3', sum: '4.5' }])).toBe('{count:3, sum:4.5}');
    expect(timeText(1_790_000_000.5)).toBe('2026-09-21T14:13:20.500Z');
  });
});

describe('a time', () => {
  it.each([
    ['1790000000.25', 1_790_000_000.25],
    ['2026-09-21T14:13:20Z', 1_790_000_000],
    ['1h', 6400],
    ['0', 10_000],
  ])('may be given as %s', (text, seconds) => {
    expect(evaluationTime(text, '--time', 10_000_000)).toBe(seconds);
  });

  it('may be wrong', () => {
    expect(() => evaluationTime('yesterday', '--time')).toThrow('--time: expected RFC 3339');
  });
});
