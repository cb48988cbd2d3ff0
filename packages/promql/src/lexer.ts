import { describeCodePoint, quote, quoteChar } from './go-strings.ts';
import { isAlpha, isAlphaNumeric, isDigit, isSpace, NumberScanner } from './number-scanner.ts';
import { type TokenKind, WORD_KINDS } from './tokens.ts';

const QUOTE = 0x22;
const HASH = 0x23;
const APOSTROPHE = 0x27;
const OPEN_PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const COMMA = 0x2c;
const DOT = 0x2e;
const COLON = 0x3a;
const EQUALS = 0x3d;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const BACKQUOTE = 0x60;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const TILDE = 0x7e;
const END = -1;

const SINGLE_CHAR_OPERATORS: ReadonlyMap<number, TokenKind> = new Map<number, TokenKind>([
  [0x2a, '*'],
  [0x2f, '/'],
  [0x25, '%'],
  [0x2b, '+'],
  [0x2d, '-'],
  [0x5e, '^'],
]);

/**
 * Splits a query into tokens, one at each call of `next`. Offsets are UTF-16; the parser turns them into bytes. After
 * an error token every further token is the end.
 */
export class Lexer {
  kind: TokenKind = 'eof';
  start = 0;
  end = 0;
  /** What is wrong, where `kind` is `error`. */
  message = '';
  readonly input: string;

  private pos = 0;
  private parenDepth = 0;
  private inBraces = false;
  private inBrackets = false;
  /** Between `[` and the first number after it, where other characters are allowed than later. */
  private inDuration = false;
  private seenColon = false;
  private seenDuration = false;
  private readonly numbers: NumberScanner;

  constructor(input: string) {
    this.input = input;
    this.numbers = new NumberScanner(input);
  }

  /** The current token as written. */
  text(): string {
    return this.input.slice(this.start, this.end);
  }

  /** Moves to the next token; comments and spaces are skipped. */
  next(): void {
    if (this.kind === 'error') {
      this.kind = 'eof';
      this.start = this.end = this.input.length;
      return;
    }
    this.skipBlank();
    this.start = this.pos;
    const code = this.peek();
    if (this.inBraces) this.kind = this.scanInBraces(code);
    else if (this.inDuration) this.kind = this.scanInDuration(code);
    else this.kind = this.scanStatement(code);
  }

  private peek(): number {
    return this.pos < this.input.length ? this.input.charCodeAt(this.pos) : END;
  }

  private peekSecond(): number {
    return this.pos + 1 < this.input.length ? this.input.charCodeAt(this.pos + 1) : END;
  }

  private skipBlank(): void {
    const { input } = this;
    for (;;) {
      const code = this.peek();
      if (isSpace(code)) this.pos++;
      else if (code === HASH && !this.inDuration) {
        while (this.pos < input.length && input.charCodeAt(this.pos) !== 0x0a && input.charCodeAt(this.pos) !== 0x0d)
          this.pos++;
      } else return;
    }
  }

  private emit(kind: TokenKind, length: number): TokenKind {
    this.pos += length;
    this.end = this.pos;
    return kind;
  }

  private fail(message: string): TokenKind {
    this.message = message;
    this.end = this.input.length;
    return 'error';
  }

  /** Fails just after the current token: where Prometheus notices only after having read it. */
  private failAfter(message: string): TokenKind {
    this.start = this.pos;
    return this.fail(message);
  }

  private charAt(pos: number): string | undefined {
    const code = this.input.codePointAt(pos);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  private scanStatement(code: number): TokenKind {
    if (isAlpha(code) || code === COLON) return this.inBrackets ? this.scanWordInBrackets(code) : this.scanWord();
    if (isDigit(code) || (code === DOT && isDigit(this.peekSecond()))) return this.scanNumberOrDuration();
    switch (code) {
      case END:
        if (this.parenDepth !== 0) return this.fail('unclosed left parenthesis');
        if (this.inBrackets) return this.fail('unclosed left bracket');
        return this.emit('eof', 0);
      case COMMA:
        return this.emit(',', 1);
      case OPEN_PAREN:
        this.parenDepth++;
        return this.emit('(', 1);
      case CLOSE_PAREN:
        return this.scanCloseParen();
      case OPEN_BRACE:
        this.inBraces = true;
        return this.emit('{', 1);
      case OPEN_BRACKET:
        if (this.inBrackets) return this.fail("unexpected left bracket '['");
        this.seenColon = this.seenDuration = false;
        this.inBrackets = true;
        this.inDuration = true;
        return this.emit('[', 1);
      case CLOSE_BRACKET:
        if (!this.inBrackets) return this.fail("unexpected right bracket ']'");
        this.inBrackets = false;
        return this.emit(']', 1);
      case QUOTE:
      case APOSTROPHE:
        return this.scanString(code);
      case BACKQUOTE:
        return this.scanRawString();
      case 0x40:
        return this.emit('@', 1);
      default: {
        const operator = SINGLE_CHAR_OPERATORS.get(code);
        return operator === undefined ? this.scanComparison(code) : this.emit(operator, 1);
      }
    }
  }

  private scanComparison(code: number): TokenKind {
    const second = this.peekSecond();
    switch (code) {
      case EQUALS:
        if (second === EQUALS) return this.emit('==', 2);
        if (second === TILDE) return this.fail("unexpected character after '=': '~'");
        return this.emit('=', 1);
      case 0x21:
        if (second === EQUALS) return this.emit('!=', 2);
        return this.fail(`unexpected character after '!': ${quoteChar(this.charAt(this.pos + 1))}`);
      case 0x3c:
        if (second === EQUALS) return this.emit('<=', 2);
        return second === 0x2f ? this.emit('</', 2) : this.emit('<', 1);
      case 0x3e:
        if (second === EQUALS) return this.emit('>=', 2);
        return second === 0x2f ? this.emit('>/', 2) : this.emit('>', 1);
      default:
        return this.fail(`unexpected character: ${quoteChar(this.charAt(this.pos))}`);
    }
  }

  private scanCloseParen(): TokenKind {
    const kind = this.emit(')', 1);
    return --this.parenDepth < 0 ? this.failAfter("unexpected right parenthesis ')'") : kind;
  }

  private scanWord(): TokenKind {
    const { input } = this;
    let pos = this.pos;
    let hasUpper = false;
    let hasColon = false;
    for (; pos < input.length; pos++) {
      const code = input.charCodeAt(pos);
      if (code === COLON) hasColon = true;
      else if (code >= 0x41 && code <= 0x5a) hasUpper = true;
      else if (!isAlphaNumeric(code)) break;
    }
    const length = pos - this.pos;
    const kind = hasColon ? 'metric-identifier' : wordKind(input.slice(this.pos, pos), hasUpper);
    const isFill = kind === 'fill' || kind === 'fill_left' || kind === 'fill_right';
    return this.emit(isFill && !this.isParenNext(pos) ? 'identifier' : kind, length);
  }

  private isParenNext(pos: number): boolean {
    while (isSpace(this.input.charCodeAt(pos))) pos++;
    return this.input.charCodeAt(pos) === OPEN_PAREN;
  }

  private scanWordInBrackets(code: number): TokenKind {
    if (code === COLON) {
      if (this.seenColon) return this.fail("unexpected colon ':'");
      this.seenColon = true;
      return this.emit(':', 1);
    }
    return (
      this.scanDurationFunction() ??
      this.fail(`unexpected character: ${quoteChar(String.fromCharCode(code))}, expected ':'`)
    );
  }

  private scanDurationFunction(): TokenKind | undefined {
    let pos = this.pos;
    while (isAlpha(this.input.charCodeAt(pos))) pos++;
    const word = this.input.slice(this.pos, pos).toLowerCase();
    if (word !== 'step' && word !== 'range' && word !== 'min_of' && word !== 'max_of') return undefined;
    this.seenDuration = true;
    return this.emit(word, pos - this.pos);
  }

  private scanInDuration(code: number): TokenKind {
    const operator = SINGLE_CHAR_OPERATORS.get(code);
    if (operator !== undefined) return this.emit(operator, 1);
    if (isDigit(code) || (code === DOT && isDigit(this.peekSecond()))) {
      this.seenDuration = true;
      this.inDuration = false;
      return this.scanNumberOrDuration();
    }
    switch (code) {
      case END:
        return this.fail('unexpected end of input in duration expression');
      case CLOSE_BRACKET:
        this.inBrackets = this.inDuration = this.seenColon = false;
        return this.emit(']', 1);
      case COLON:
        this.emit(':', 1);
        if (!this.seenDuration) return this.failAfter('unexpected colon before duration in duration expression');
        if (this.seenColon) return this.failAfter('unexpected repeated colon in duration expression');
        this.seenColon = true;
        return ':';
      case OPEN_PAREN:
        this.parenDepth++;
        return this.emit('(', 1);
      case CLOSE_PAREN:
        return this.scanCloseParen();
      case COMMA:
        return this.emit(',', 1);
    }
    return (
      (isAlpha(code) ? this.scanDurationFunction() : undefined) ??
      this.fail(`unexpected character in duration expression: ${quoteChar(this.charAt(this.pos))}`)
    );
  }

  private scanNumberOrDuration(): TokenKind {
    const { numbers } = this;
    const kind = numbers.scan(this.pos);
    if (kind !== undefined) return this.emit(kind, numbers.end - this.pos);
    return this.fail(`bad number or duration syntax: ${quote(this.input.slice(this.pos, numbers.end))}`);
  }

  private scanInBraces(code: number): TokenKind {
    if (isAlpha(code)) {
      let pos = this.pos + 1;
      while (isAlphaNumeric(this.input.charCodeAt(pos))) pos++;
      return this.emit('identifier', pos - this.pos);
    }
    switch (code) {
      case END:
        return this.fail('unexpected end of input inside braces');
      case COMMA:
        return this.emit(',', 1);
      case QUOTE:
      case APOSTROPHE:
        return this.scanString(code);
      case BACKQUOTE:
        return this.scanRawString();
      case EQUALS:
        return this.peekSecond() === TILDE ? this.emit('=~', 2) : this.emit('=', 1);
      case 0x21:
        if (this.peekSecond() === TILDE) return this.emit('!~', 2);
        if (this.peekSecond() === EQUALS) return this.emit('!=', 2);
        return this.fail(`unexpected character after '!' inside braces: ${quoteChar(this.charAt(this.pos + 1))}`);
      case OPEN_BRACE:
        return this.fail("unexpected left brace '{'");
      case CLOSE_BRACE:
        this.inBraces = false;
        return this.emit('}', 1);
      default:
        return this.fail(`unexpected character inside braces: ${quoteChar(this.charAt(this.pos))}`);
    }
  }

  private scanString(opening: number): TokenKind {
    const { input } = this;
    let pos = this.pos + 1;
    for (;;) {
      const code = pos < input.length ? input.charCodeAt(pos) : END;
      if (code === opening) return this.emit('string', pos + 1 - this.pos);
      if (code === BACKSLASH) {
        pos = this.scanEscape(pos + 1, opening);
        if (pos < 0) return 'error';
      } else if (code === END || code === 0x0a) return this.fail('unterminated quoted string');
      else if (code >= 0xd800 && isInvalidRune(input, pos)) return this.fail('invalid UTF-8 rune');
      else pos++;
    }
  }

  private scanRawString(): TokenKind {
    const { input } = this;
    for (let pos = this.pos + 1; pos < input.length; pos++) {
      const code = input.charCodeAt(pos);
      if (code === BACKQUOTE) return this.emit('string', pos + 1 - this.pos);
      if (code >= 0xd800 && isInvalidRune(input, pos)) return this.fail('invalid UTF-8 rune');
    }
    return this.fail('unterminated raw string');
  }

  /** Checks the escape whose backslash is before `pos`; the position after it, or -1 after having failed. */
  private scanEscape(pos: number, opening: number): number {
    const { input } = this;
    const char = this.charAt(pos);
    if (char === undefined) {
      this.fail('escape sequence not terminated');
      return -1;
    }
    if ('abfnrtv\\'.includes(char) || char.charCodeAt(0) === opening) return pos + 1;
    const isOctal = char >= '0' && char <= '7' && char.length === 1;
    const digits = isOctal ? 3 : char === 'x' ? 2 : char === 'u' ? 4 : char === 'U' ? 8 : 0;
    if (digits === 0) {
      this.fail(`unknown escape sequence ${describeCodePoint(char)}`);
      return -1;
    }
    const base = isOctal ? 8 : 16;
    const first = isOctal ? pos : pos + 1;
    let value = 0;
    for (let i = first; i < first + digits; i++) {
      const digit = digitValue(input.charCodeAt(i));
      if (digit >= base) {
        const illegal = this.charAt(i);
        if (illegal === undefined) this.fail('escape sequence not terminated');
        else this.fail(`illegal character ${describeCodePoint(illegal)} in escape sequence`);
        return -1;
      }
      value = value * base + digit;
    }
    if (value > (digits < 4 ? 0xff : 0x10ffff) || (value >= 0xd800 && value < 0xe000)) {
      this.fail('escape sequence is an invalid Unicode code point');
      return -1;
    }
    return first + digits;
  }
}

function wordKind(word: string, hasUpper: boolean): TokenKind {
  return WORD_KINDS.get(hasUpper ? word.toLowerCase() : word) ?? 'identifier';
}

/** U+FFFD, which is what invalid bytes have become when the query was decoded, or half a surrogate pair. */
function isInvalidRune(input: string, pos: number): boolean {
  const code = input.charCodeAt(pos);
  if (code === 0xfffd) return true;
  if (code > 0xdfff) return false;
  const isLow = code >= 0xdc00;
  const other = input.charCodeAt(isLow ? pos - 1 : pos + 1);
  return isLow ? !(other >= 0xd800 && other <= 0xdbff) : !(other >= 0xdc00 && other <= 0xdfff);
}

function digitValue(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 16;
}
