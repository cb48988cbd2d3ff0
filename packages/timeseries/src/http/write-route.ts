import {
  type BodyMemory,
  type Counter,
  countedBytes,
  HttpError,
  type QuickRoute,
  type RawRoute,
} from '@opendata/server';
import type { TimeSeriesDb } from '../db.ts';
import type { RemoteWriteAck } from '../model/config.ts';
import { timeSeriesProblem } from './problems.ts';
import { remoteWriteVersion } from './write-headers.ts';

export interface WriteRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly ack: RemoteWriteAck;
  readonly bodyLimitBytes: number;
  /** For bodies that are kept over turns of the event loop. */
  readonly bodyMemory: BodyMemory;
  readonly ingested: Counter;
  readonly failed: Counter;
}

interface WriteState extends WriteRouteOptions {
  /** Refused samples of the database that the metric has already. */
  countedRefused: number;
}

const path = '/api/v1/write';

/** What is said with a 204. */
type Headers = Readonly<Record<string, string>>;

/** `/api/v1/write`: remote write 1.0 and 2.0, told apart by the content type. */
export function remoteWriteRoutes(routeOptions: WriteRouteOptions): {
  readonly raw: RawRoute;
  readonly quick: QuickRoute;
} {
  const options = { ...routeOptions, countedRefused: 0 };
  const { bodyLimitBytes } = options;
  let version: 1 | 2 | undefined;
  let versionType: string | undefined;
  let versionEncoding: string | undefined;
  return {
    raw: {
      method: 'POST',
      path,
      bodyLimitBytes,
      usesBodyAtOnce: true,
      async handle(request, body, response) {
        const headers = await write(options, remoteWriteVersion(request.headers), body);
        response.writeHead(204, headers).end();
      },
    },
    quick: {
      path,
      bodyLimitBytes,
      async handle({ contentType, contentEncoding }, body, exchange) {
        // A sender repeats its headers.
        if (version === undefined || contentType !== versionType || contentEncoding !== versionEncoding) {
          version = remoteWriteVersion({ 'content-type': contentType, 'content-encoding': contentEncoding });
          versionType = contentType;
          versionEncoding = contentEncoding;
        }
        exchange.answerEmpty(await write(options, version, body));
      },
    },
  };
}

function write(options: WriteState, version: 1 | 2, body: Uint8Array): Promise<Headers | undefined> {
  return version === 1 ? write1(options, body) : write2(options, body);
}

async function write1(options: WriteState, body: Uint8Array): Promise<undefined> {
  const { database, ack, bodyMemory, ingested, failed } = options;
  const db = database();
  let samples = 0;
  let keptBytes = 0;
  const keep = (): Uint8Array => {
    const bytes = countedBytes(body.length);
    if (!bodyMemory.take(bytes, bytes)) throw bodyMemory.refusal();
    keptBytes = bytes;
    return Buffer.from(body);
  };
  try {
    const pending = db.remoteWriteInTurns(body, keep);
    const written = pending instanceof Promise ? await pending : pending;
    samples = written.samples;
    if (ack === 'durable') await db.committed(written.group);
  } catch (error) {
    failed.inc(samples + db.refusedSamples - options.countedRefused);
    options.countedRefused = db.refusedSamples;
    throw error;
  } finally {
    bodyMemory.give(keptBytes);
  }
  ingested.inc(samples);
}

/**
 * A 2.0 sender is told what was stored, also with 400 where a part of its request was refused.
 * @throws HttpError 400 for that
 */
async function write2(options: WriteRouteOptions, body: Uint8Array): Promise<Headers> {
  const { database, ack, bodyMemory, ingested, failed } = options;
  const db = database();
  let stored = 0;
  let keptBytes = 0;
  const keep = (bytes: number): void => {
    const counted = countedBytes(bytes);
    if (!bodyMemory.take(counted, countedBytes(body.length))) throw bodyMemory.refusal();
    keptBytes = counted;
  };
  let written: ReturnType<TimeSeriesDb['remoteWrite2']>;
  try {
    const pending = db.remoteWrite2InTurns(body, keep);
    written = pending instanceof Promise ? await pending : pending;
    stored = written.samples + written.histograms;
    if (ack === 'durable') await db.committed(written.group);
  } catch (error) {
    failed.inc(stored);
    throw withHeaders(error);
  } finally {
    bodyMemory.give(keptBytes);
  }
  const { samples, histograms, exemplars, refused, faults } = written;
  ingested.inc(stored);
  failed.inc(refused);
  const headers = writtenHeaders(samples, histograms, exemplars);
  if (faults.length === 0) return headers;
  const text = `${faults.join('\n')}\n`;
  throw new HttpError(400, text, { headers, body: { contentType: 'text/plain; charset=utf-8', body: text } });
}

function writtenHeaders(samples: number, histograms: number, exemplars: number): Record<string, string> {
  return {
    'x-prometheus-remote-write-samples-written': String(samples),
    'x-prometheus-remote-write-histograms-written': String(histograms),
    'x-prometheus-remote-write-exemplars-written': String(exemplars),
  };
}

/** Says that nothing was stored, where the error's answer can carry headers. */
function withHeaders(error: unknown): unknown {
  const problem = error instanceof HttpError ? error : timeSeriesProblem(error);
  if (problem === undefined) return error;
  const { status, message, code, retryAfterSeconds } = problem;
  return new HttpError(status, message, { code, retryAfterSeconds, headers: writtenHeaders(0, 0, 0) });
}
