import type { PositionRange } from './ast.ts';

/** One complaint about a query. */
export interface ParseErrorDetail {
  readonly message: string;
  /** Byte offsets into the UTF-8 query. */
  readonly position: PositionRange;
}

/**
 * A query that is not valid PromQL. `message` is what Prometheus' API shows, which is the first error only
 * (`1:5: parse error: unexpected "}"`); `errors` has all that were found.
 */
export class ParseError extends Error {
  override readonly name = 'ParseError';
  readonly query: string;
  readonly errors: readonly ParseErrorDetail[];

  constructor(query: string, errors: readonly ParseErrorDetail[]) {
    const first = errors[0]!;
    super(`${formatPosition(query, first.position.start)}: parse error: ${first.message}`);
    this.query = query;
    this.errors = errors;
  }

  /** Where the first error is. */
  get position(): PositionRange {
    return this.errors[0]!.position;
  }
}

/**
 * `line:column` of a byte offset, both counted from 1, the column in bytes, as Prometheus prints positions in errors
 * and annotations.
 */
export function formatPosition(query: string, byteOffset: number): string {
  if (query === '') return 'unknown position';
  let line = 1;
  let lastBreak = -1;
  let offset = 0;
  for (let i = 0; i < query.length && offset < byteOffset; i++) {
    const code = query.charCodeAt(i);
    if (code === 0x0a) {
      line++;
      lastBreak = offset;
    }
    offset += utf8Length(code);
  }
  return byteOffset < 0 || byteOffset > offset ? 'invalid position' : `${line}:${byteOffset - lastBreak}`;
}

/**
 * UTF-8 length in bytes that one UTF-16 code unit adds: the two halves of a surrogate pair add two each. A lone
 * surrogate counts two as well, where an encoder would write three; it is an error wherever it matters.
 */
export function utf8Length(codeUnit: number): number {
  if (codeUnit < 0x80) return 1;
  if (codeUnit < 0x800) return 2;
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? 2 : 3;
}
