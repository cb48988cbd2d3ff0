import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { HttpError } from '@opendata/server';

type Decompress = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECOMPRESSORS: ReadonlyMap<string, Decompress> = new Map(
  Object.entries({
    gzip: zlib.gunzip,
    deflate: zlib.inflate,
    // Node has it from version 22.15.
    zstd: (zlib as unknown as { zstdDecompress?: typeof zlib.gunzip }).zstdDecompress,
  }).flatMap(([name, decompress]) =>
    decompress === undefined ? [] : [[name, promisify(decompress) as unknown as Decompress] as const],
  ),
);

/**
 * The body of a request as its `Content-Encoding` says.
 * @throws HttpError 415 for an encoding that is not known, 413 over `limitBytes`, 400 for a damaged body
 */
export async function decodedBody(body: Buffer, headers: IncomingHttpHeaders, limitBytes: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return body;
  const decompress = DECOMPRESSORS.get(encoding);
  if (decompress === undefined) {
    const supported = [...DECOMPRESSORS.keys()].join(', ');
    throw new HttpError(415, `unsupported compression ${encoding}, supported: ${supported}`);
  }
  try {
    return await decompress(body, { maxOutputLength: limitBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new HttpError(413, `the body has more than ${limitBytes} bytes when it is uncompressed`);
    }
    throw new HttpError(400, `the body is not valid ${encoding}`);
  }
}
