import type { IncomingHttpHeaders } from 'node:http';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { type BodyMemory, countedBytes, HttpError } from '@opendata/server';

const DECOMPRESSORS: ReadonlyMap<string, () => Transform> = new Map(
  Object.entries({
    gzip: zlib.createGunzip,
    deflate: zlib.createInflate,
    // Node has it from version 22.15.
    zstd: (zlib as unknown as { createZstdDecompress?: () => Transform }).createZstdDecompress,
  }).flatMap(([name, create]) => (create === undefined ? [] : [[name, create] as const])),
);

export interface DecodedBodyLimits {
  /** Most bytes of it. */
  readonly limitBytes: number;
  /** Where there must be room for what is unpacked. */
  readonly memory: BodyMemory;
}

/**
 * What `use` makes of the body of a request as its `Content-Encoding` says. The body itself counts as memory already.
 * @throws HttpError 415 for an encoding that is not known, 413 over `limitBytes`, 503 where there is no room, 400 for a
 * damaged body
 */
export async function withDecodedBody<T>(
  body: Buffer,
  headers: IncomingHttpHeaders,
  { limitBytes, memory }: DecodedBodyLimits,
  use: (message: Buffer) => Promise<T>,
): Promise<T> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return await use(body);
  const create = DECOMPRESSORS.get(encoding);
  if (create === undefined) {
    const supported = [...DECOMPRESSORS.keys()].join(', ');
    throw new HttpError(415, `unsupported compression ${encoding}, supported: ${supported}`);
  }
  const packedBytes = countedBytes(body.length);
  let heldBytes = 0;
  const take = (bytes: number): void => {
    if (heldBytes + bytes > limitBytes) {
      throw new HttpError(413, `the body has more than ${limitBytes} bytes when it is uncompressed`);
    }
    if (!memory.take(bytes, packedBytes + heldBytes)) throw memory.refusal();
    heldBytes += bytes;
  };
  try {
    return await use(await unpacked(body, create(), encoding, take));
  } finally {
    memory.give(heldBytes);
  }
}

async function unpacked(
  body: Buffer,
  unpack: Transform,
  encoding: string,
  take: (bytes: number) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  unpack.end(body);
  try {
    for await (const chunk of unpack as AsyncIterable<Buffer>) {
      take(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HttpError ? error : new HttpError(400, `the body is not valid ${encoding}`);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
