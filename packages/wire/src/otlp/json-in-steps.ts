/** Texts of this length are parsed at once. */
export const PIECE_LENGTH = 64 * 1024;
/** How deep what is longer than a piece may be nested. */
const MAX_LONG_DEPTH = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Where the next character is. */
interface Reading {
  readonly text: string;
  readonly pieceLength: number;
  at: number;
}

/**
 * What `JSON.parse` gives, with a `yield` after every piece of the text. Objects and lists that are longer than a piece are
 * taken apart here, by their brackets, commas and strings; what is within a piece is left to `JSON.parse`, which sees all of
 * the text but for those.
 * @throws SyntaxError; RangeError where it is nested too deep
 */
export function* parseJsonInSteps(
  text: string,
  pieceLength: number = PIECE_LENGTH,
): Generator<undefined, unknown, void> {
  const reading = { text, pieceLength, at: 0 };
  const value = yield* readValue(reading, 0);
  skipSpace(reading);
  if (reading.at < text.length) throw unexpected(reading);
  return value;
}

function* readValue(reading: Reading, depth: number): Generator<undefined, unknown, void> {
  skipSpace(reading);
  const { text, at, pieceLength } = reading;
  const first = text.charCodeAt(at);
  if (first !== OPEN_LIST && first !== OPEN_OBJECT) return readScalar(reading);
  const end = closingOf(text, at, at + pieceLength);
  if (end >= 0) return parsePiece(reading, '', end, '');
  if (depth === MAX_LONG_DEPTH) throw new RangeError('nested too deep');
  reading.at++;
  return first === OPEN_LIST ? yield* readList(reading, depth + 1) : yield* readObject(reading, depth + 1);
}

/** The rest of a list behind its bracket. */
function* readList(reading: Reading, depth: number): Generator<undefined, unknown[], void> {
  const { text, pieceLength } = reading;
  const list: unknown[] = [];
  for (;;) {
    skipSpace(reading);
    if (list.length === 0 && text.charCodeAt(reading.at) === CLOSE_LIST) {
      reading.at++;
      return list;
    }
    const end = endOfElements(text, reading.at, reading.at + pieceLength);
    if (end >= 0) {
      const elements = parsePiece(reading, '[', end, ']') as unknown[];
      if (elements.length === 0) throw unexpected(reading);
      for (const element of elements) list.push(element);
    } else {
      list.push(yield* readValue(reading, depth));
      skipSpace(reading);
    }
    yield undefined;
    const next = text.charCodeAt(reading.at);
    if (next !== COMMA && next !== CLOSE_LIST) throw unexpected(reading);
    reading.at++;
    if (next === CLOSE_LIST) return list;
  }
}

/** The rest of an object behind its bracket. */
function* readObject(reading: Reading, depth: number): Generator<undefined, object, void> {
  const { text, pieceLength } = reading;
  const object: Record<string, unknown> = {};
  let turnAt = reading.at + pieceLength;
  for (let isFirst = true; ; isFirst = false) {
    skipSpace(reading);
    if (isFirst && text.charCodeAt(reading.at) === CLOSE_OBJECT) break;
    if (text.charCodeAt(reading.at) !== QUOTE) throw unexpected(reading);
    const key = readScalar(reading) as string;
    skipSpace(reading);
    if (text.charCodeAt(reading.at) !== COLON) throw unexpected(reading);
    reading.at++;
    const value = yield* readValue(reading, depth);
    // Not by assignment, which would take `__proto__` for something else.
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    if (reading.at >= turnAt) {
      yield undefined;
      turnAt = reading.at + pieceLength;
    }
    skipSpace(reading);
    const next = text.charCodeAt(reading.at);
    if (next === CLOSE_OBJECT) break;
    if (next !== COMMA) throw unexpected(reading);
    reading.at++;
  }
  reading.at++;
  return object;
}

/** A string, a number, `true`, `false` or `null`. */
function readScalar(reading: Reading): unknown {
  const { text, at } = reading;
  let end = at;
  if (text.charCodeAt(at) === QUOTE) end = endOfString(text, at, text.length);
  else while (end < text.length && !endsScalar(text.charCodeAt(end))) end++;
  if (end < 0 || end === at) throw unexpected(reading);
  return parsePiece(reading, '', end, '');
}

/** What stands before `end`, with something around it, by `JSON.parse`. */
function parsePiece(reading: Reading, before: string, end: number, after: string): unknown {
  const { text, at } = reading;
  try {
    const value: unknown = JSON.parse(`${before}${text.slice(at, end)}${after}`);
    reading.at = end;
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const place = (_: string, position: string): string => `at position ${Number(position) + at - before.length}`;
    throw new SyntaxError(error.message.replace(/at position (\d+)(?: \(line \d+ column \d+\))?/, place));
  }
}

/** Position behind the list or object that begins at `at`; -1 where that is not before `limit`. */
function closingOf(text: string, at: number, limit: number): number {
  let depth = 0;
  for (let i = at; i < limit && i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) {
      i = endOfString(text, i, limit) - 1;
      if (i < 0) return -1;
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) depth++;
    else if ((character === CLOSE_LIST || character === CLOSE_OBJECT) && --depth === 0) return i + 1;
  }
  return -1;
}

/**
 * Of the elements of a list from `at` on, the end of those before `limit`: a comma, or the bracket that closes the list. -1
 * where the first of them goes on behind `limit`.
 */
function endOfElements(text: string, at: number, limit: number): number {
  let depth = 0;
  let comma = -1;
  for (let i = at; i < limit && i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) {
      i = endOfString(text, i, limit) - 1;
      if (i < 0) return comma;
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) depth++;
    else if (character === CLOSE_LIST || character === CLOSE_OBJECT) {
      if (depth === 0) return i;
      depth--;
    } else if (character === COMMA && depth === 0) comma = i;
  }
  return comma;
}

/** Position behind the string whose first quote is at `at`; -1 where it does not end before `limit`. */
function endOfString(text: string, at: number, limit: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0 && quote < limit; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return -1;
}

function endsScalar(character: number): boolean {
  return isSpace(character) || character === COMMA || character === CLOSE_LIST || character === CLOSE_OBJECT;
}

function skipSpace(reading: Reading): void {
  while (isSpace(reading.text.charCodeAt(reading.at))) reading.at++;
}

function isSpace(character: number): boolean {
  return character === 0x20 || character === 0x0a || character === 0x0d || character === 0x09;
}

function unexpected({ text, at }: Reading): SyntaxError {
  if (at >= text.length) return new SyntaxError('Unexpected end of JSON input');
  return new SyntaxError(`Unexpected token ${JSON.stringify(text[at])} in JSON at position ${at}`);
}
