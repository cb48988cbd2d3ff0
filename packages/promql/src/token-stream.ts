import type { PositionRange } from './ast.ts';
import { Lexer } from './lexer.ts';
import { ParseError, type ParseErrorDetail, utf8Length } from './parse-error.ts';
import { describeToken, type TokenKind } from './tokens.ts';

/** What "unexpected …" messages say about where the parser was and what it wanted. */
export interface ErrorContext {
  readonly place: string;
  readonly expected: string;
}

const NO_CONTEXT: ErrorContext = { place: '', expected: '' };

/** Unwinds the parser after a syntax error, which is already recorded. */
const ABORT = Symbol('syntax error');

/**
 * Tokens with one token of look-ahead, and the errors found so far. A token is read only when it is asked for: which
 * of several errors comes first, and so is shown, depends on that.
 */
export class TokenStream {
  /** UTF-16 range of the token last taken. */
  start = 0;
  end = 0;
  /** What holds where no production has words of its own. */
  context: ErrorContext = NO_CONTEXT;
  readonly input: string;

  private readonly lexer: Lexer;
  private isLoaded = false;
  private readonly errors: ParseErrorDetail[] = [];
  /** UTF-8 offset of each UTF-16 offset; `undefined` where they are the same. */
  private readonly byteOffsets: Uint32Array | undefined;

  constructor(input: string) {
    this.input = input;
    this.lexer = new Lexer(input);
    this.byteOffsets = isAscii(input) ? undefined : computeByteOffsets(input);
  }

  /** Kind of the next token. */
  peek(): TokenKind {
    if (!this.isLoaded) this.load();
    return this.lexer.kind;
  }

  private load(): void {
    this.lexer.next();
    this.isLoaded = true;
    if (this.lexer.kind === 'error') {
      this.error(this.lexer.message, this.lexer.start, this.input.length);
      throw ABORT;
    }
  }

  /** Takes the next token, which then is `start` to `end`. */
  take(): TokenKind {
    const kind = this.peek();
    this.start = this.lexer.start;
    this.end = this.lexer.end;
    this.isLoaded = false;
    return kind;
  }

  /** Takes the next token if it is of this kind. */
  accept(kind: TokenKind): boolean {
    if (this.peek() !== kind) return false;
    this.take();
    return true;
  }

  /** Takes the next token, which must be of this kind. */
  expect(kind: TokenKind, context?: ErrorContext): void {
    if (!this.accept(kind)) this.unexpected(context);
  }

  /** The token last taken, as written. */
  text(): string {
    return this.input.slice(this.start, this.end);
  }

  /** Position of the token last taken. */
  tokenPosition(): PositionRange {
    return this.position(this.start, this.end);
  }

  /** Byte positions of a UTF-16 range. */
  position(start: number, end: number): PositionRange {
    const { byteOffsets } = this;
    return byteOffsets === undefined ? { start, end } : { start: byteOffsets[start]!, end: byteOffsets[end]! };
  }

  /** From where `first` starts to the end of the token last taken. */
  positionFrom(first: PositionRange): PositionRange {
    return { start: first.start, end: this.byteOffset(this.end) };
  }

  byteOffset(offset: number): number {
    return this.byteOffsets === undefined ? offset : this.byteOffsets[offset]!;
  }

  /** Records an error and goes on. */
  error(message: string, start: number, end: number): void {
    this.errors.push({ message, position: this.position(start, end) });
  }

  errorAt(message: string, position: PositionRange): void {
    this.errors.push({ message, position });
  }

  /** The next token cannot be here: records it and ends parsing. */
  unexpected(context: ErrorContext = this.context): never {
    const kind = this.peek();
    const { start, end, input } = this.lexer;
    let message = `unexpected ${describeToken(kind, input.slice(start, end))}`;
    if (context.place !== '') message += ` in ${context.place}`;
    if (context.expected !== '') message += `, expected ${context.expected}`;
    this.error(message, start, end);
    throw ABORT;
  }

  /** Ends parsing after an error that leaves no expression behind. */
  abort(): never {
    throw ABORT;
  }

  /** @throws ParseError if there are errors */
  throwErrors(): void {
    if (this.errors.length > 0) throw new ParseError(this.input, this.errors);
  }

  /** Runs a parser over all tokens. @throws ParseError */
  run<T>(parse: (stream: TokenStream) => T): T {
    try {
      return parse(this);
    } catch (error) {
      if (error === ABORT) this.throwErrors();
      if (error instanceof RangeError) {
        this.errors.push({ message: 'expression is nested too deeply', position: { start: 0, end: 0 } });
        this.throwErrors();
      }
      throw error;
    }
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function computeByteOffsets(input: string): Uint32Array {
  const offsets = new Uint32Array(input.length + 1);
  let offset = 0;
  for (let i = 0; i < input.length; i++) {
    offsets[i] = offset;
    offset += utf8Length(input.charCodeAt(i));
  }
  offsets[input.length] = offset;
  return offsets;
}
