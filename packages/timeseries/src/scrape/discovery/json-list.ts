import { createYielder } from '../../head/yielder.ts';

/** Shorter texts are parsed in one go. */
const LONG_CHARACTERS = 256 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * As `JSON.parse`; of a long list each element by itself, with turns for others in between.
 * @throws SyntaxError
 */
export async function parseJsonList(text: string): Promise<unknown> {
  const start = /^[ \t\r\n]*\[/.exec(text)?.[0].length;
  if (start === undefined || text.length < LONG_CHARACTERS) return JSON.parse(text);
  const yielder = createYielder();
  const elements: unknown[] = [];
  for (let at = start; ; at++) {
    const end = endOfElement(text, at);
    const isLast = text.charCodeAt(end) !== COMMA;
    const element = text.slice(at, end);
    if (!isLast || elements.length > 0 || !isBlank(element)) elements.push(JSON.parse(element));
    at = end;
    if (!isLast) await yielder();
    else if (end < text.length && isBlank(text.slice(end + 1))) return elements;
    else throw new SyntaxError('the list does not end where the text does');
  }
}

/** Where the comma or bracket behind the element at `at` is; the length of the text where there is none. */
function endOfElement(text: string, at: number): number {
  let depth = 0;
  for (; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === OPEN_LIST || character === OPEN_OBJECT) depth++;
    else if (depth === 0 && (character === COMMA || character === CLOSE_LIST)) return at;
    else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
  }
  return text.length;
}

/** Where the quote that ends a string is. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}
