import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { runsOfLines } from '../import/lines.ts';
import { ApiError, createSend, type Send } from './api.ts';

export interface ImportProgress {
  /** Bytes of the file that were read, of how many; 0: unknown. */
  readonly readBytes: number;
  readonly sizeBytes: number;
  readonly samples: number;
}

export interface ImportCounts {
  samples: number;
  /** Lines that were refused. */
  rejected: number;
  lines: number;
  /** The first refused lines. */
  errors: { line: number; error: string }[];
  /** Why the file was not read to its end. */
  failure?: string;
  /** The server cannot be reached or takes no more now. */
  isUnavailable?: true;
}

export interface ImportFileOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImportProgress) => void;
}

/** A request has about this much, so that none takes long and one that fails can be sent again. */
const REQUEST_BYTES = 8 * 1024 * 1024;
const MAX_ERRORS = 20;
const MAX_TRIES = 10;

/** Sends a file, a few MiB a request; tries again while the server has no room. A failure is in the counts. @throws CliError for a URL that is none */
export async function importFile(file: string, options: ImportFileOptions): Promise<ImportCounts> {
  const counts: ImportCounts = { samples: 0, rejected: 0, lines: 0, errors: [] };
  const request = createSend(options.url, options.signal);
  try {
    const sizeBytes = file === '-' ? 0 : statSync(file).size;
    const source: Readable = file === '-' ? process.stdin : createReadStream(file);
    let readBytes = 0;
    source.on('data', (chunk: Buffer) => {
      readBytes += chunk.length;
    });
    source.pause();
    const text = file.endsWith('.gz') ? source.pipe(createGunzip()) : source;
    if (text !== source) source.once('error', (error) => text.destroy(error));
    let pieces: Uint8Array[] = [];
    let bytes = 0;
    const send = async () => {
      await sendPiece(request, Buffer.concat(pieces), counts, options.signal);
      pieces = [];
      bytes = 0;
      options.onProgress({ readBytes, sizeBytes, samples: counts.samples });
    };
    for await (const run of runsOfLines(text)) {
      options.signal.throwIfAborted();
      pieces.push(run);
      bytes += run.length;
      if (bytes >= REQUEST_BYTES) await send();
    }
    if (bytes > 0) await send();
  } catch (error) {
    counts.failure = options.signal.aborted ? 'stopped' : reasonOf(error);
    if (error instanceof ApiError && error.code === 'unavailable') counts.isUnavailable = true;
  }
  return counts;
}

async function sendPiece(
  request: Send,
  body: Buffer<ArrayBuffer>,
  counts: ImportCounts,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { status, headers, text } = await request('import/openmetrics', {
      method: 'POST',
      headers: { 'content-type': 'application/openmetrics-text; version=1.0.0' },
      body,
    });
    if ((status === 503 || status === 429) && tries < MAX_TRIES) {
      await sleep(1000 * Number(headers.get('retry-after') ?? 5), undefined, { signal });
      continue;
    }
    const answer = parseAnswer(text);
    if (answer?.data === undefined) {
      const code = [429, 502, 503, 504].includes(status) ? 'unavailable' : 'failed';
      throw new ApiError(code, `the server answered ${status}: ${answer?.error ?? text.slice(0, 200)}`, status);
    }
    counts.samples += answer.data.samples;
    counts.rejected += answer.data.rejected;
    for (const { line, error } of answer.data.errors) {
      if (counts.errors.length < MAX_ERRORS) counts.errors.push({ line: counts.lines + line, error });
    }
    counts.lines += answer.data.lines;
    return;
  }
}

interface Answer {
  readonly data?: Pick<ImportCounts, 'samples' | 'rejected' | 'lines' | 'errors'>;
  readonly error?: string;
}

function parseAnswer(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

const BAR_WIDTH = 24;

/** `file [######      ] 25 % 1200000 samples 400000/s` */
export function progressBar(
  file: string,
  { readBytes, sizeBytes, samples }: ImportProgress,
  elapsedMs: number,
): string {
  const rate = `${samples} samples, ${Math.round((samples / Math.max(1, elapsedMs)) * 1000)}/s`;
  if (sizeBytes === 0) return `${file} ${rate}`;
  const share = Math.min(1, readBytes / sizeBytes);
  const bar = '#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH);
  return `${file} [${bar}] ${Math.floor(share * 100)} % ${rate}`;
}
