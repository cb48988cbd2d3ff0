import { describe, expect, it } from 'vitest';
import { remembered } from './remembered.ts';

describe('a parser that remembers', () => {
  const parsed: string[] = [];
  const parse = remembered((text) => {
    parsed.push(text);
    if (text === 'bad') throw new Error('bad text');
    return { text };
  });

  it('parses a text once, and a bad one each time', () => {
    expect(parse('a')).toBe(parse('a'));
    expect(() => parse('bad')).toThrow('bad text');
    expect(() => parse('bad')).toThrow('bad text');
    expect(parsed).toEqual(['a', 'bad', 'bad']);
  });

  it('forgets all where there are too many, and never keeps a long one', () => {
    const first = parse('0');
    for (let i = 1; i <= 256; i++) parse(`${i}`);
    expect(parse('0')).not.toBe(first);
    const long = 'x'.repeat(4097);
    expect(parse(long)).not.toBe(parse(long));
  });
});
