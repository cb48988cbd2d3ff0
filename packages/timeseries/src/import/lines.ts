const NEWLINE = 0x0a;
/** A longer line is no sample. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Lines are handed on in runs of about this size: few enough to be parsed in a few ms. */
const RUN_BYTES = 32 * 1024;

/** A line that no sample can be as long as. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/**
 * Cuts a stream of bytes into runs of whole lines; the last one may lack its newline.
 * @throws LineTooLongError
 */
export async function* runsOfLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    while (bytes.length - start >= RUN_BYTES) {
      let end = bytes.lastIndexOf(NEWLINE, start + RUN_BYTES - 1) + 1;
      if (end <= start) end = bytes.indexOf(NEWLINE, start + RUN_BYTES) + 1;
      if (end === 0) break;
      yield bytes.subarray(start, end);
      start = end;
    }
    rest = Uint8Array.from(bytes.subarray(start));
    if (rest.length > MAX_LINE_BYTES) throw new LineTooLongError(`a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  if (rest.length > 0) yield rest;
}
