/**
 * Go's quoting of strings and characters, which Prometheus' messages and printed expressions use.
 *
 * A PromQL string can hold any bytes (`"\xff"`). In a JavaScript string a byte that is not part of valid UTF-8 is kept
 * as the lone surrogate U+DC00 + byte, which no other escape can produce.
 */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const PLAIN = /^[ !#-[\]-~]*$/;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** Go's `%q` of a string: in double quotes, what is not printable escaped. */
export function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const char of text) quoted += char === '"' ? '\\"' : escapeChar(char);
  return `${quoted}"`;
}

/** Go's `%.Nq...` for what is longer than `limit` bytes, `%q` otherwise. */
export function quoteTruncated(text: string, limit: number): string {
  const isLong = text.length > limit || new TextEncoder().encode(text).length > limit;
  return isLong ? `${quote([...text].slice(0, limit).join(''))}...` : quote(text);
}

/** Go's `%q` of a character; `undefined` is the end of the input. */
export function quoteChar(char: string | undefined): string {
  const shown = validChar(char);
  return shown === "'" ? "'\\''" : `'${escapeChar(shown)}'`;
}

/** Go's `%#U` of a character: `U+0040 '@'`. */
export function describeCodePoint(char: string): string {
  const shown = validChar(char);
  const code = `U+${shown.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return PRINTABLE.test(shown) ? `${code} '${shown}'` : code;
}

function validChar(char: string | undefined): string {
  return char === undefined || isLoneSurrogate(char) ? '\ufffd' : char;
}

function isLoneSurrogate(char: string): boolean {
  const code = char.charCodeAt(0);
  return char.length === 1 && code >= 0xd800 && code <= 0xdfff;
}

function escapeChar(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  if (PRINTABLE.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (isLoneSurrogate(char)) return code > 0xdc7f && code < 0xdd00 ? `\\x${hex(code - 0xdc00, 2)}` : '\\ufffd';
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

const ESCAPED_BYTES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** The value of a string token, quotes included, whose escapes the lexer has found valid. */
export function unquote(token: string): string {
  const body = token.slice(1, -1);
  if (token.charCodeAt(0) === 0x60 || !body.includes('\\')) return body;
  let value = '';
  let bytes: number[] = [];
  for (let i = 0; i < body.length; ) {
    if (body[i] !== '\\') {
      value += decodeBytes(bytes) + body[i++]!;
      bytes = [];
      continue;
    }
    const escaped = body[i + 1]!;
    const simple = ESCAPED_BYTES[escaped];
    if (simple !== undefined) {
      bytes.push(simple);
      i += 2;
    } else if (escaped === 'x') {
      bytes.push(Number.parseInt(body.slice(i + 2, i + 4), 16));
      i += 4;
    } else if (escaped === 'u' || escaped === 'U') {
      const end = i + (escaped === 'u' ? 6 : 10);
      value += decodeBytes(bytes) + String.fromCodePoint(Number.parseInt(body.slice(i + 2, end), 16));
      bytes = [];
      i = end;
    } else {
      bytes.push(Number.parseInt(body.slice(i + 1, i + 4), 8));
      i += 4;
    }
  }
  return value + decodeBytes(bytes);
}

/** Strict UTF-8; a byte that fits nowhere becomes U+DC00 + byte. */
function decodeBytes(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + bytes[i]!);
      i++;
    } else {
      text += new TextDecoder().decode(Uint8Array.from(bytes.slice(i, i + length)));
      i += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `start`, 0 where there is none. */
function sequenceLength(bytes: readonly number[], start: number): number {
  const first = bytes[start]!;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 ? 4 : 0;
  if (length === 0 || first > 0xf4 || start + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if ((bytes[start + i]! & 0xc0) !== 0x80) return 0;
  const second = bytes[start + 1]!;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}

/** Whether the value holds bytes that are not UTF-8. */
export function hasInvalidUtf8(value: string): boolean {
  return /\p{Surrogate}/u.test(value);
}
