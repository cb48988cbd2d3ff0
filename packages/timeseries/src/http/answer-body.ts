import { pipeline, type Readable, type Writable } from 'node:stream';
import { acceptedEncoding, compressBody, createCompressor } from './compression.ts';

/** What takes an answer 200, with or past `node:http`. */
export interface AnswerSink {
  answerBytes(body: Buffer, headers: Readonly<Record<string, string>>): void;
  answerStream(headers: Readonly<Record<string, string>>): Writable;
  /** Breaks the connection off. */
  destroy(error?: Error): void;
}

/** Answers with a body, compressed where the client accepts that and it is worth it. */
export function answerBody(
  sink: AnswerSink,
  body: Buffer | Readable,
  contentType: string,
  acceptEncoding: string | undefined,
): void {
  const encoding = acceptedEncoding(acceptEncoding);
  const plain = { 'content-type': contentType };
  if (encoding === undefined) {
    if (Buffer.isBuffer(body)) sink.answerBytes(body, plain);
    else pipeline(body, sink.answerStream(plain), ignored);
    return;
  }
  const compressed = { ...plain, 'content-encoding': encoding };
  if (Buffer.isBuffer(body)) {
    compressBody(body, encoding, (error, bytes) => {
      if (error !== null) sink.destroy(error);
      else if (bytes === undefined) sink.answerBytes(body, plain);
      else sink.answerBytes(bytes, compressed);
    });
  } else pipeline(body, createCompressor(encoding), sink.answerStream(compressed), ignored);
}

/** An error of either end destroys both, and so breaks the connection off. */
function ignored(): void {}
