import { describe, expect, it } from 'vitest';
import { describeCodePoint, hasInvalidUtf8, quote, quoteChar, quoteTruncated, unquote } from './go-strings.ts';

describe('quoting', () => {
  it('is that of Go', () => {
    expect(quote('a"b\\c\n\x00\x7fé\u00ad\u{e000}\u{1f600}\u{10ffff}')).toBe(
      '"a\\"b\\\\c\\n\\x00\\x7fé\\u00ad\\ue000😀\\U0010ffff"',
    );
    expect(quote('\udcff\ufffd')).toBe('"\\xff\ufffd"');
    expect(quoteTruncated('0123456789', 10)).toBe('"0123456789"');
    expect(quoteTruncated('0123456789a', 10)).toBe('"0123456789"...');
    expect(quoteTruncated('ééééééé', 10)).toBe('"ééééééé"...');
    expect(["'", '"', '\n', 'é', undefined, '\ud800'].map(quoteChar)).toEqual([
      "'\\''",
      "'\"'",
      "'\\n'",
      "'é'",
      "'\ufffd'",
      "'\ufffd'",
    ]);
    expect(['.', '\n', '😀'].map(describeCodePoint)).toEqual(["U+002E '.'", 'U+000A', "U+1F600 '😀'"]);
  });

  it('is undone', () => {
    expect(unquote('"a\\"\\x41\\101\\u00e9\\U0001f600\\n"')).toBe('a"AAé😀\n');
    expect(unquote("'\\''")).toBe("'");
    expect(unquote('`\\n`')).toBe('\\n');
    expect(unquote('"\\xe2\\x98\\xba"')).toBe('☺');
    expect(unquote('"\\xe2\\x98x\\xff"')).toBe('\udce2\udc98x\udcff');
    expect(unquote('"\\xf0\\x9f\\x98\\x80\\xed\\xa0\\x80"')).toBe('😀\udced\udca0\udc80');
  });

  it('tells invalid UTF-8', () => {
    expect(['é😀', '', '\udcff', 'a\udc80'].map(hasInvalidUtf8)).toEqual([false, false, true, true]);
  });
});
