import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createDeflate, createGzip, deflate, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** Shorter bodies fit into a packet anyway. */
const MIN_BODY_BYTES = 1024;
/** The fastest: answers are compressed once and read once. */
const OPTIONS = { level: 1 };

const ENCODERS = {
  gzip: { stream: () => createGzip(OPTIONS), whole: promisify<Buffer, typeof OPTIONS, Buffer>(gzip) },
  deflate: { stream: () => createDeflate(OPTIONS), whole: promisify<Buffer, typeof OPTIONS, Buffer>(deflate) },
} as const;

/** Compresses answers of the API, off the event loop, where the client accepts that. */
export function addCompression(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload: unknown) => {
    if (!isCompressed(request.url) || reply.hasHeader('content-encoding')) return payload;
    const encoding = acceptedEncoding(request.headers['accept-encoding']);
    if (encoding === undefined) return payload;
    if (Buffer.isBuffer(payload)) {
      if (payload.length < MIN_BODY_BYTES) return payload;
      const bytes = await ENCODERS[encoding].whole(payload, OPTIONS);
      reply.header('content-encoding', encoding).removeHeader('content-length');
      return bytes;
    }
    if (payload instanceof Readable) {
      reply.header('content-encoding', encoding).removeHeader('content-length');
      // An error of either end destroys both; the framework sees that of the last.
      return pipeline(payload, ENCODERS[encoding].stream(), () => {});
    }
    return payload;
  });
}

function isCompressed(url: string): boolean {
  return url.startsWith('/api/v1/') || url.startsWith('/federate');
}

/** The encoding of the two that the header prefers; `q=0` refuses one. */
export function acceptedEncoding(header: string | undefined): 'gzip' | 'deflate' | undefined {
  if (header === undefined) return undefined;
  let best: 'gzip' | 'deflate' | undefined;
  let bestQuality = 0;
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    const encoding = name === '*' ? 'gzip' : name;
    if (encoding !== 'gzip' && encoding !== 'deflate') continue;
    if (quality > bestQuality || (quality === bestQuality && encoding === 'gzip' && quality > 0)) {
      best = encoding;
      bestQuality = quality;
    }
  }
  return best;
}
