import type { ServerResponse } from 'node:http';
import type { Counter, RawRoute } from '@opendata/server';
import { HttpError } from '@opendata/server';
import type { TimeSeriesDb } from '../db.ts';
import type { RemoteWriteAck } from '../model/config.ts';
import { timeSeriesProblem } from './problems.ts';
import { remoteWriteVersion } from './write-headers.ts';

export interface WriteRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly ack: RemoteWriteAck;
  readonly bodyLimitBytes: number;
  readonly ingested: Counter;
  readonly failed: Counter;
}

/** `/api/v1/write`: remote write 1.0 and 2.0, told apart by the content type. */
export function writeRoute(options: WriteRouteOptions): RawRoute {
  return {
    method: 'POST',
    path: '/api/v1/write',
    bodyLimitBytes: options.bodyLimitBytes,
    usesBodyAtOnce: true,
    async handle(request, body, response) {
      const version = remoteWriteVersion(request.headers);
      if (version === 1) await write1(options, body, response);
      else await write2(options, body, response);
    },
  };
}

async function write1(
  { database, ack, ingested, failed }: WriteRouteOptions,
  body: Uint8Array,
  response: ServerResponse,
): Promise<void> {
  const db = database();
  const refusedBefore = db.refusedSamples;
  let samples = 0;
  try {
    const written = db.remoteWrite(body);
    samples = written.samples;
    if (ack === 'durable') await db.committed(written.group);
  } catch (error) {
    failed.inc(samples > 0 ? samples : db.refusedSamples - refusedBefore);
    throw error;
  }
  ingested.inc(samples);
  response.writeHead(204);
  response.end();
}

/** A 2.0 sender is told what was stored, also with 400 where a part of its request was refused. */
async function write2(
  { database, ack, ingested, failed }: WriteRouteOptions,
  body: Uint8Array,
  response: ServerResponse,
): Promise<void> {
  const db = database();
  let stored = 0;
  try {
    const { group, samples, histograms, exemplars, refused, faults } = db.remoteWrite2(body);
    stored = samples + histograms;
    if (ack === 'durable') await db.committed(group);
    ingested.inc(stored);
    failed.inc(refused);
    const headers = writtenHeaders(samples, histograms, exemplars);
    if (faults.length === 0) response.writeHead(204, headers).end();
    else
      response
        .writeHead(400, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
        .end(`${faults.join('\n')}\n`);
  } catch (error) {
    failed.inc(stored);
    throw withHeaders(error);
  }
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
