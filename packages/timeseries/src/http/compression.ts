import { pipeline, Readable } from 'node:stream';
import { createDeflate, createGzip, type Deflate, deflate, type Gzip, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** Shorter bodies fit into a packet anyway. */
const MIN_BODY_BYTES = 1024;
/** The fastest: answers are compressed once and read once. */
const OPTIONS = { level: 1 };

type Compress = (body: Buffer, options: typeof OPTIONS, done: (error: Error | null, bytes: Buffer) => void) => void;

const ENCODERS = {
  gzip: { stream: () => createGzip(OPTIONS), whole: gzip as Compress },
  deflate: { stream: () => createDeflate(OPTIONS), whole: deflate as Compress },
} as const;

type Encoding = keyof typeof ENCODERS;

/** Compresses a whole body off the event loop; undefined where it is too short to be worth it. */
export function compressBody(
  body: Buffer,
  encoding: Encoding,
  done: (error: Error | null, bytes: Buffer | undefined) => void,
): void {
  if (body.length < MIN_BODY_BYTES) done(null, undefined);
  else ENCODERS[encoding].whole(body, OPTIONS, done);
}

/** What compresses a stream. */
export function createCompressor(encoding: Encoding): Gzip | Deflate {
  return ENCODERS[encoding].stream();
}

/** Compresses answers of the API, off the event loop, where the client accepts that. */
export function addCompression(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload: unknown, done) => {
    const encoding = isCompressed(request.url) ? acceptedEncoding(request.headers['accept-encoding']) : undefined;
    if (encoding === undefined || reply.hasHeader('content-encoding')) return done(null, payload);
    if (Buffer.isBuffer(payload)) {
      compressBody(payload, encoding, (error, bytes) => {
        if (error !== null) return done(error);
        if (bytes === undefined) return done(null, payload);
        reply.header('content-encoding', encoding).removeHeader('content-length');
        done(null, bytes);
      });
    } else if (payload instanceof Readable) {
      reply.header('content-encoding', encoding).removeHeader('content-length');
      // An error of either end destroys both; the framework sees that of the last.
      done(
        null,
        pipeline(payload, createCompressor(encoding), () => {}),
      );
    } else done(null, payload);
  });
}

function isCompressed(url: string): boolean {
  return url.startsWith('/api/v1/') || url.startsWith('/federate');
}

/** The encoding of the two that the header prefers; `q=0` refuses one. */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined;
  let best: Encoding | undefined;
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
