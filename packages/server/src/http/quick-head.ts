import { Buffer } from 'node:buffer';

/** What the quick lane needs to know of a request's head. */
export interface QuickHead {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What is behind the `?` of a GET, as it was sent; a POST has none. */
  readonly query: string;
  readonly contentLength: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly accept: string | undefined;
  readonly acceptEncoding: string | undefined;
}

/** Longer heads are left to the full parser. */
export const MAX_QUICK_HEAD_BYTES = 2048;

/** A query has what RFC 3986 allows there and brackets, which clients do not escape. */
const requestLine =
  /^(?:POST (\/[A-Za-z0-9/_-]*)|GET (\/[A-Za-z0-9/_-]*)(?:\?([\w\-.~!$&'()*+,;=:@/?%[\]]*))?) HTTP\/1\.1\r\n/;
/** A name is a token, a value printable ASCII without white space at its ends: no folded lines, no bare line feeds. */
const headerLine = /([A-Za-z0-9-]+):[ \t]*([!-~](?:[ -~]*[!-~])?)?[ \t]*\r\n/y;
const lengthDigits = /^\d{1,9}$/;
/** Headers without a meaning for the framing of a request. All others are left to the full parser. */
const harmless = new Set([
  'accept-language',
  'cache-control',
  'forwarded',
  'pragma',
  'retry-attempt',
  'sec-fetch-mode',
  'traceparent',
  'tracestate',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-prometheus-remote-write-version',
  'x-request-id',
]);

/**
 * Reads the head of a request that is as plain as nearly all are: known headers, each once, a POST with a length and a
 * GET without. `head` goes up to the empty line, its line ends included. Undefined for everything else, good or bad: that
 * is for the full parser.
 */
export function parseQuickHead(head: string): QuickHead | undefined {
  const line = requestLine.exec(head);
  if (line === null) return undefined;
  let hasHost = false;
  let hasConnection = false;
  let contentLength = -1;
  let contentType: string | undefined;
  let contentEncoding: string | undefined;
  let accept: string | undefined;
  let acceptEncoding: string | undefined;
  const end = head.length - 2;
  let at = line[0].length;
  while (at < end) {
    headerLine.lastIndex = at;
    const header = headerLine.exec(head);
    if (header === null) return undefined;
    at = headerLine.lastIndex;
    const name = header[1]!.toLowerCase();
    const value = header[2] ?? '';
    switch (name) {
      case 'host':
        if (hasHost || value === '') return undefined;
        hasHost = true;
        break;
      case 'content-length':
        if (contentLength >= 0 || !lengthDigits.test(value)) return undefined;
        contentLength = Number(value);
        break;
      case 'content-type':
        if (contentType !== undefined) return undefined;
        contentType = value;
        break;
      case 'content-encoding':
        if (contentEncoding !== undefined) return undefined;
        contentEncoding = value;
        break;
      case 'accept':
        if (accept !== undefined) return undefined;
        accept = value;
        break;
      case 'accept-encoding':
        if (acceptEncoding !== undefined) return undefined;
        acceptEncoding = value;
        break;
      case 'connection':
        if (hasConnection || value.toLowerCase() !== 'keep-alive') return undefined;
        hasConnection = true;
        break;
      default:
        if (!harmless.has(name)) return undefined;
    }
  }
  const isWhole = at === end && head.endsWith('\r\n');
  const [, postPath, getPath, query = ''] = line;
  const isGet = postPath === undefined;
  if (!isWhole || !hasHost || contentLength < 0 !== isGet) return undefined;
  return {
    method: isGet ? 'GET' : 'POST',
    path: isGet ? getPath! : postPath,
    query,
    contentLength: isGet ? 0 : contentLength,
    contentType,
    contentEncoding,
    accept,
    acceptEncoding,
  };
}

const lengthHeader = /\r\ncontent-length:[ \t]*(?=\d)/i;

/** A head that was read, for those that say the same of a body of another length: most clients repeat all else. */
export interface HeadPattern {
  /** What stands before the digits of the length. */
  readonly before: string;
  readonly after: string;
  readonly head: QuickHead;
}

/** @param head what {@link parseQuickHead} has read in `text`; undefined where it has no length */
export function headPattern(text: string, head: QuickHead): HeadPattern | undefined {
  const found = lengthHeader.exec(text);
  if (found === null) return undefined;
  const start = found.index + found[0].length;
  let end = start;
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
  return { before: text.slice(0, start), after: text.slice(end), head };
}

/** What {@link parseQuickHead} would read; undefined where the text is of another pattern. */
export function readAsPattern(text: string, { before, after, head }: HeadPattern): QuickHead | undefined {
  if (!text.startsWith(before) || !text.endsWith(after)) return undefined;
  const digits = text.slice(before.length, text.length - after.length);
  return lengthDigits.test(digits) ? { ...head, contentLength: Number(digits) } : undefined;
}

const emptyLine = Buffer.from('\r\n\r\n');

/** Offset behind the empty line that ends the head in `bytes`; -1 when it is not there or the head is too long. */
export function endOfHead(bytes: Buffer): number {
  const end = bytes.indexOf(emptyLine) + emptyLine.length;
  return end < emptyLine.length || end > MAX_QUICK_HEAD_BYTES ? -1 : end;
}
