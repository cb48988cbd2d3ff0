import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import type { MatchType } from './ast.ts';
import { compileMatcher, matchesEmpty, regexError } from './matcher.ts';
import { alternativesOf } from './regex-alternatives.ts';
import { literalPrefix, simpleBranches } from './regex-shape.ts';

function compile(pattern: string, type: MatchType = '=~') {
  return compileMatcher({ name: 'l', type, value: pattern });
}

function plain(pattern: string): (value: string) => boolean {
  const regex = RE2JS.compile(pattern, RE2JS.DOTALL);
  return (value) => regex.matches(value);
}

describe('compileMatcher', () => {
  it('compares plain values', () => {
    expect(compile('a', '=')).toMatchObject({ setMatches: ['a'], matchesEmpty: false });
    expect(compile('', '=').matchesEmpty).toBe(true);
    expect(compile('a', '!=').matches('b')).toBe(true);
    expect(compile('a', '!=')).not.toHaveProperty('setMatches');
  });

  it.each([
    ['a|b|c', ['a', 'b', 'c']],
    ['(a|b)c', ['ac', 'bc']],
    ['(?:a|b|)', ['a', 'b', '']],
    ['^foo$', ['foo']],
    ['^a|b$', ['a', 'b']],
    ['a[0-2]', ['a0', 'a1', 'a2']],
    ['https?', ['https', 'http']],
    ['a\\.b', ['a.b']],
    ['a|a', ['a']],
    ['x(y(1|2))?', ['xy1', 'xy2', 'x']],
    ['', ['']],
    ['🙂|ü', ['🙂', 'ü']],
  ])('lists the values of %s', (pattern, values) => {
    expect(compile(pattern).setMatches).toEqual(values);
    for (const value of values) expect(compile(pattern).matches(value)).toBe(true);
    expect(compile(pattern, '!~')).not.toHaveProperty('setMatches');
  });

  it.each([
    ['abc.*', 'abc'],
    ['abc.+d', 'abc'],
    ['ab(c|d).*', 'ab'],
    ['abc[^x]', 'abc'],
    ['abc*', 'ab'],
    ['abc+', 'abc'],
    ['^abc\\d', 'abc'],
    ['ab(c\\d|x|y\\d)', 'ab'],
    ['🙂*', undefined],
    ['.*abc', undefined],
    ['(?i)abc', undefined],
    ['abc\\d|x', undefined],
    ['abc\\Q|\\E.', undefined],
  ])('knows the prefix of %s', (pattern, prefix) => {
    expect(compile(pattern).prefix).toBe(prefix);
  });

  it('matches newlines with a dot and nothing but whole values', () => {
    expect(compile('a.b').matches('a\nb')).toBe(true);
    expect(compile('a.*b').matches('a\n\nb')).toBe(true);
    expect(compile('a').matches('xax')).toBe(false);
    expect(compile('(?i)ABC').matches('abc')).toBe(true);
    expect(compile('.+').matches('')).toBe(false);
    expect(compile('.*').matches('')).toBe(true);
  });

  it('does not blow up', () => {
    expect(compile('(a*)*(b|a*)*c').matches('a'.repeat(5000))).toBe(false);
  });

  it('keeps answers right when patterns fall out of the cache', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 600; i++) expect(compile(`x${i}\\d`).matches(`x${i}7`)).toBe(true);
    }
  });

  const atoms = [
    'a',
    'b',
    'ab',
    '🙂',
    '.*',
    '.+',
    '.',
    '\\.',
    '[ab]',
    '[^a]',
    '(a|b)',
    '(?:a|.*b)',
    '(|a)',
    'a?',
    'b*',
  ];
  const pattern = fc
    .array(fc.constantFrom(...atoms, '|', '^', '$', '.*?', '(ab)?', '(?:a.+|b)', '[a-c]?', '(?i)', '\\d', 'a{2}'), {
      maxLength: 6,
    })
    .map((parts) => parts.join(''))
    .filter((text) => regexError(text) === undefined);
  const value = fc
    .array(fc.constantFrom('a', 'b', 'c', 'A', '.', '🙂', '\n', '1'), { maxLength: 7 })
    .map((c) => c.join(''));

  it('accepts exactly what the regex engine accepts', () => {
    fc.assert(
      fc.property(pattern, fc.array(value, { minLength: 8, maxLength: 8 }), (text, values) => {
        const { matches, setMatches, prefix = '', matchesEmpty: empty } = compile(text);
        const reference = plain(text);
        expect(empty).toBe(reference(''));
        expect(matchesEmpty({ name: 'l', type: '!~', value: text })).toBe(!reference(''));
        for (const sample of [...values, ...(setMatches ?? [])]) {
          const expected = reference(sample);
          expect([text, sample, matches(sample)]).toEqual([text, sample, expected]);
          if (expected) {
            expect(sample.startsWith(prefix)).toBe(true);
            expect(sample.startsWith(literalPrefix(text))).toBe(true);
            if (setMatches !== undefined) expect(setMatches).toContain(sample);
          }
        }
        for (const sample of setMatches ?? []) expect(reference(sample)).toBe(true);
      }),
      { numRuns: 800 },
    );
  });

  it('finds a shape for the common patterns', () => {
    for (const text of ['.*', '.+', 'a.*', '.*a', '.*a.*', 'a|b.*', 'a.*b.+c'])
      expect(simpleBranches(text)).toBeDefined();
    for (const text of ['a.', 'a**', '\\d', '[^a]', 'a{2}', '(?i)a', 'a)', '(a', '\\'])
      expect(simpleBranches(text)).toBeUndefined();
  });
});

describe('regexError', () => {
  it.each([
    ['(', 'missing closing ): `(`'],
    ['a)', 'unexpected ): `a)`'],
    ['[', 'missing closing ]: `[`'],
    ['*', 'missing argument to repetition operator: `*`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['a\\', 'trailing backslash at end of expression: ``'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['[b-a]', 'invalid character class range: `b-a`'],
    ['\\8', 'invalid escape sequence: `\\8`'],
    ['(?P<', 'invalid or unsupported Perl syntax: `(?P`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?P<n', 'invalid named capture: `(?P<n`'],
    ['(?s)(', 'missing closing ): `(?s)(`'],
  ])('says of %s what Go says', (pattern, message) => {
    expect(regexError(pattern)).toBe(`error parsing regexp: ${message}`);
  });

  it('has a limit of depth', () => {
    const pattern = '('.repeat(1100) + ')'.repeat(1100);
    expect(regexError(pattern)).toBe(`error parsing regexp: expression nests too deeply: \`${pattern}\``);
  });

  it('accepts what is valid', () => {
    for (const pattern of ['', 'a', 'a||b', '.*', '(?i)x', '(?P<n>a)', '(?<n>a)', '[[:alpha:]]', '\\pL'])
      expect(regexError(pattern)).toBeUndefined();
  });
});

describe('large alternations', () => {
  const texts = ['a', 'ab', 'b', 'abc', '', 'ba', 'a1', 'b\\.', 'c|', '🙂', 'a.', 'ac'];
  const part = fc
    .tuple(
      fc.constantFrom('a', 'ab', 'b', '', '🙂', 'a\\.'),
      fc.constantFrom('', '.*', '.+', '\\d', '[^b]', 'c?', '(b|c)+', '.*a'),
    )
    .map(([head, rest]) => head + rest);

  it('match what the regex engine matches', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 90 }), fc.boolean(), (parts, grouped) => {
        const pattern = grouped ? `(?:${parts.join('|')})` : parts.join('|');
        const [ours, theirs] = [compile(pattern), plain(pattern)];
        for (const text of texts) expect([text, ours.matches(text)]).toEqual([text, theirs(text)]);
      }),
      { numRuns: 300 },
    );
  });

  it('are told apart only where that is safe', () => {
    expect(alternativesOf('a|(b|c)|[|)]|d\\|e')).toEqual(['a', '(b|c)', '[|)]', 'd\\|e']);
    expect(alternativesOf('((?:a|b))')).toEqual(['a', 'b']);
    expect(alternativesOf('(a)|(b)')).toEqual(['(a)', '(b)']);
    expect(alternativesOf('(a)(b)')).toEqual(['(a)(b)']);
    for (const pattern of ['(?i)a|b', 'a|(?P<x>b)', '\\Qa|b\\E', '[[:alpha:]|]|a', 'a|(b', 'a|b)', '[a|b'])
      expect(alternativesOf(pattern)).toBeUndefined();
  });

  it('are not given to the engine where they are too large', () => {
    const many = (text: (i: number) => string) => Array.from({ length: 12_000 }, (_, i) => text(i)).join('|');
    expect(compile(many((i) => `host${i}.*`)).matches('host9999:80')).toBe(true);
    expect(compile(many((i) => `host${i}.*`)).matches('hos')).toBe(false);
    expect(compile(`${many((i) => `host${i}`)}|x\\d`).matches('x1')).toBe(true);
    const large =
      'error parsing regexp: expression too large: 132890 characters that are no plain texts, of at most 32768';
    expect(regexError(many((i) => `host${i}\\d`))).toBe(large);
    expect(regexError(`x{2}${'y'.repeat(40_000)}`)).toMatch(/too large: 40004 characters/);
    expect(regexError(`a|b\\d|(`)).toBe('error parsing regexp: missing closing ): `a|b\\d|(`');
  });
});
