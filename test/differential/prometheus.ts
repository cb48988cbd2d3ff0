import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeWriteRequest,
  encodeWriteRequest2,
  snappyCompress,
  type WriteRequest2Series,
  type WriteRequestSeries,
} from '@opendata/wire';
import { freePort, startServer } from '../support/server-process.ts';
import { type Answer, answerOfJson, type JsonAnswer, type QueryTimes } from './answer.ts';
import type { StartedSeries } from './corpus.ts';
import { DATA_END_MS, DATA_START_MS, type GeneratedSeries, type GeneratedValue } from './data.ts';
import { otlpRequest } from './otlp-request.ts';

/** A running Prometheus that holds generated data. */
export interface Oracle {
  push(series: readonly GeneratedSeries[]): Promise<void>;
  /** Writes one request as it is, start timestamps included. */
  write(series: readonly WriteRequest2Series[]): Promise<void>;
  /** Writes series with start timestamps, which only OTLP takes along. */
  writeOtlp(series: readonly StartedSeries[]): Promise<void>;
  query(query: string, times: QueryTimes): Promise<Answer>;
  /** Any other endpoint below `/api/v1/`. */
  call(endpoint: string, parameters: Readonly<Record<string, string>>): Promise<JsonAnswer>;
  stop(): Promise<void>;
}

const CONFIG = 'storage:\n  tsdb:\n    out_of_order_time_window: 0s\n';
const NEWEST_CONFIG = `otlp:\n  translation_strategy: NoTranslation\n${CONFIG}`;

const NEWEST_FEATURES = [
  'promql-experimental-functions',
  'promql-duration-expr',
  'promql-delayed-name-removal',
  'promql-extended-range-selectors',
  'promql-binop-fill-modifiers',
  'st-storage',
  'promql-per-step-stats',
  'use-start-timestamps',
  'otlp-native-delta-ingestion',
  'xor2-encoding',
  'histograms-st-encoding',
];

/** Whether names are removed at the end of queries only; not so with `DIFFERENTIAL_DELAYED=0`, as our server does it. */
export const delayedNameRemoval = process.env['DIFFERENTIAL_DELAYED'] !== '0';

function featuresOf(): string[] {
  return NEWEST_FEATURES.filter((name) => delayedNameRemoval || name !== 'promql-delayed-name-removal');
}

/** Time that one request covers, in milliseconds. */
export const PUSH_MS = 600_000;

/** Starts a Prometheus binary with an empty database of its own; `isNewest` turns all of the language on. */
export async function startPrometheus(binary: string, isNewest: boolean): Promise<Oracle> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const port = Number(process.env['PROMETHEUS_PORT'] ?? (await freePort()));
  writeFileSync(join(folder, 'prometheus.yml'), isNewest ? NEWEST_CONFIG : CONFIG);
  const server = await startServer({
    command: binary,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      ...(isNewest ? ['--web.enable-otlp-receiver'] : []),
      '--log.level=error',
      `--enable-feature=${isNewest ? featuresOf().join(',') : 'native-histograms'}`,
    ],
    port,
  });
  return {
    async push(series) {
      const simple = series.filter(({ values }) => values.every((value) => typeof value !== 'object'));
      for (let from = DATA_START_MS; from < DATA_END_MS; from += PUSH_MS) {
        await write(
          server.url,
          simple.map((one) => slice(one, from, from + PUSH_MS)),
        );
      }
      // A request has the floats of a series before its histograms: what alternates goes sample by sample.
      for (const one of series) {
        if (simple.includes(one)) continue;
        for (const [from, to] of runsOf(one)) await write(server.url, [slice(one, from, to)]);
      }
    },
    write: (series) => send(server.url, encodeWriteRequest2(series), 2),
    writeOtlp: (series) => sendOtlp(server.url, series),
    query: (query, times) => ask(server.url, query, times),
    call: (endpoint, parameters) => post(server.url, endpoint, new URLSearchParams(parameters)),
    async stop() {
      await server.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Intervals of time, end exclusive, in which a series has samples of one kind only. */
function runsOf({ timestamps, values }: GeneratedSeries): [number, number][] {
  const runs: [number, number][] = [];
  let start = 0;
  for (let i = 1; i <= values.length; i++) {
    if (i < values.length && kindOf(values[i]!) === kindOf(values[start]!)) continue;
    runs.push([timestamps[start]!, timestamps[i - 1]! + 1]);
    start = i;
  }
  return runs;
}

/** A staleness marker goes alone: after histograms Prometheus makes one of it, which must not come after later floats. */
function kindOf(value: GeneratedValue): string {
  return value === 'stale' ? value : typeof value;
}

function slice({ labels, timestamps, values }: GeneratedSeries, fromMs: number, toMs: number): WriteRequestSeries {
  const samples: { timestampMs: number; value: number | 'stale' }[] = [];
  const histograms = [];
  for (const [i, timestampMs] of timestamps.entries()) {
    if (timestampMs < fromMs || timestampMs >= toMs) continue;
    const value = values[i]!;
    if (typeof value === 'object') histograms.push({ timestampMs, histogram: value });
    else samples.push({ timestampMs, value });
  }
  return { labels, samples, histograms };
}

async function write(url: string, series: readonly WriteRequestSeries[]): Promise<void> {
  const filled = series.filter((one) => one.samples!.length + one.histograms!.length > 0);
  await send(url, encodeWriteRequest({ series: filled }), 1);
}

async function send(url: string, request: Uint8Array, version: 1 | 2): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': `application/x-protobuf${version === 2 ? ';proto=io.prometheus.write.v2.Request' : ''}`,
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': version === 2 ? '2.0.0' : '0.1.0',
    },
    body: snappyCompress(request),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`remote write: ${response.status} ${text}`);
}

async function sendOtlp(url: string, series: readonly StartedSeries[]): Promise<void> {
  const response = await fetch(`${url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(otlpRequest(series)),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`OTLP: ${response.status} ${text}`);
}

async function ask(url: string, query: string, times: QueryTimes): Promise<Answer> {
  const parameters = new URLSearchParams({ query });
  if (times.kind === 'instant') parameters.set('time', String(times.timeMs / 1000));
  else {
    parameters.set('start', String(times.startMs / 1000));
    parameters.set('end', String(times.endMs / 1000));
    parameters.set('step', String(times.stepMs / 1000));
  }
  const path = times.kind === 'instant' ? 'query' : 'query_range';
  return answerOfJson(await post(url, path, parameters));
}

async function post(url: string, endpoint: string, parameters: URLSearchParams): Promise<JsonAnswer> {
  const response = await fetch(`${url}/api/v1/${endpoint}`, { method: 'POST', body: parameters });
  const text = await response.text();
  // What JSON cannot say is answered with plain text: `parse_query` of `a + fill(NaN) b`.
  if (!text.startsWith('{')) return { status: 'error', errorType: 'internal', error: text };
  return JSON.parse(text) as JsonAnswer;
}
