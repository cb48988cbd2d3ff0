export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** An ASCII letter or `_`. */
export function isAlpha(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
}

export function isAlphaNumeric(code: number): boolean {
  return isAlpha(code) || isDigit(code);
}

export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b && code !== 0x0c);
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}

const DOT = 0x2e;
const UNDERSCORE = 0x5f;

/**
 * Finds the end of a number or duration by its outer form only; the parser then finds what it is worth and what is
 * wrong with it. Where it fails, `end` is after the character that spoiled it, for the message.
 */
export class NumberScanner {
  end = 0;
  private readonly input: string;

  constructor(input: string) {
    this.input = input;
  }

  scan(start: number): 'number' | 'duration' | undefined {
    this.end = start;
    if (this.scanPlainInteger() || this.scanNumber(start)) return 'number';
    return this.scanDurationUnits() ? 'duration' : undefined;
  }

  private code(): number {
    return this.input.charCodeAt(this.end);
  }

  private accept(test: (code: number) => boolean): boolean {
    if (!test(this.code())) return false;
    this.end++;
    return true;
  }

  private isAtEnd(): boolean {
    return this.end >= this.input.length;
  }

  /** The common case: decimal digits and nothing that could belong to a number or word after them. */
  private scanPlainInteger(): boolean {
    const { input } = this;
    let pos = this.end;
    while (isDigit(input.charCodeAt(pos))) pos++;
    const next = input.charCodeAt(pos);
    if (pos === this.end || next === DOT || isAlphaNumeric(next)) return false;
    this.end = pos;
    return true;
  }

  private scanNumber(start: number): boolean {
    let isHex = false;
    if (this.code() === 0x30) {
      this.end++;
      if (this.accept(isX)) {
        isHex = true;
        this.accept(isUnderscore);
      }
    }
    const isDigitHere = isHex ? isHexDigit : isDigit;
    this.accept(isDot);
    this.accept(isDigitHere);
    let seenDot = false;
    let seenExponent = false;
    for (;;) {
      const code = this.code();
      if (code === DOT) {
        this.end++;
        if (seenDot) return false;
        seenDot = true;
        if (this.accept(isDotOrUnderscore) || isHex) return false;
      } else if (isExponentMark(code)) {
        this.end++;
        if (seenExponent) return false;
        seenExponent = true;
        this.accept(isSign);
        if (this.accept(isSeparator) || this.isAtEnd()) return false;
      } else if (code === UNDERSCORE) {
        this.end++;
        if (this.accept(isSeparator) || this.isAtEnd()) return false;
      } else if (isDigitHere(code)) {
        while (isDigitHere(this.code())) this.end++;
      } else return this.end > start && !isAlphaNumeric(code);
    }
  }

  private scanDurationUnits(): boolean {
    if (!this.accept(isUnit)) return false;
    this.accept(isS);
    while (this.accept(isDigit)) {
      while (isDigit(this.code())) this.end++;
      // Years can only come first.
      if (!this.accept(isUnitBelowYear)) return false;
      this.accept(isS);
    }
    return !this.accept(isAlphaNumeric);
  }
}

const isDot = (code: number): boolean => code === DOT;
const isUnderscore = (code: number): boolean => code === UNDERSCORE;
const isDotOrUnderscore = (code: number): boolean => code === DOT || code === UNDERSCORE;
const isX = (code: number): boolean => (code | 0x20) === 0x78;
const isExponentMark = (code: number): boolean => (code | 0x20) === 0x65;
const isSign = (code: number): boolean => code === 0x2b || code === 0x2d;
const isSeparator = (code: number): boolean => isDotOrUnderscore(code) || isExponentMark(code);
const isS = (code: number): boolean => code === 0x73;
const isUnitBelowYear = (code: number): boolean =>
  code === 0x73 || code === 0x6d || code === 0x68 || code === 0x64 || code === 0x77;
const isUnit = (code: number): boolean => isUnitBelowYear(code) || code === 0x79;
