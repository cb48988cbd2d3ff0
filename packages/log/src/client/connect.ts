import {
  decodeAppendResponse,
  decodeCountResponse,
  decodeKeysResponse,
  decodeScanResponse,
  decodeSegmentsResponse,
  encodeAppendRequest,
  isWireError,
  LOG_CONTENT_TYPES,
  logRecordAt,
} from '@opendata/wire';
import type { KeyInspection } from '../model.ts';
import { openAppendStream } from './append-stream.ts';
import { percentEncoded } from './bytes.ts';
import { checkHttpOptions } from './check-options.ts';
import { type ClientOptions, createClient } from './client.ts';
import { LogClientError } from './errors.ts';
import { createHttpTransport, type HttpOptions, type HttpTransport } from './http-transport.ts';
import type { LogClient } from './log-client.ts';
import type { LogPort, Page, Range, Target } from './log-port.ts';
import { recordEvents } from './record-events.ts';
import type { ReadRecord, Watermark } from './records.ts';

export interface ConnectOptions extends ClientOptions, HttpOptions {}

const routes = '/api/v1/log';
/** A tail over which nothing comes for much longer is taken for dead. */
const heartbeatMs = 10_000;
const protobuf = LOG_CONTENT_TYPES.protobuf;
const json = LOG_CONTENT_TYPES.json;

/**
 * A client of the log behind `url`, which may have credentials and a path. Connects when it has to; the log need not be
 * there yet. @throws LogClientError invalid_input for what is no http: or https: URL, and for wrong options
 */
export function connectLog(url: string, options: ConnectOptions = {}): LogClient {
  checkHttpOptions(options);
  return createClient(httpPort(transportTo(url, options)), options);
}

function transportTo(url: string, options: ConnectOptions): HttpTransport {
  try {
    return createHttpTransport(url, options);
  } catch (cause) {
    throw new LogClientError('invalid_input', (cause as Error).message, { cause });
  }
}

function httpPort(transport: HttpTransport): LogPort {
  const get = (path: string, accept: string, signal: AbortSignal, waitMs = 0) =>
    transport.request({ method: 'GET', path: `${routes}/${path}`, accept, signal, waitMs });

  return {
    async append(records, awaitDurable, signal) {
      const body = encodeAppendRequest('protobuf', records, awaitDurable);
      const answer = await transport.request({
        method: 'POST',
        path: `${routes}/append`,
        accept: protobuf,
        contentType: protobuf,
        body,
        signal,
      });
      const { startSequence, recordsAppended } = decoded(() => decodeAppendResponse('protobuf', answer));
      return { startSequence, count: recordsAppended };
    },

    openAppends: (signal) => openAppendStream(transport, `${routes}/session`, signal),

    async *follow(target, { start, startTimeMs, last, durable }, signal) {
      const query = queryOf({
        // The server goes on behind the last event that was seen, whatever the query says.
        start_time_ms: start === undefined ? startTimeMs : undefined,
        tail: start === undefined ? last : undefined,
        durable,
        arrival_times: true,
        heartbeat_ms: heartbeatMs,
      });
      const stream = transport.stream({
        method: 'GET',
        path: `${routes}/tail?${targetQuery(target)}${query}`,
        accept: 'text/event-stream',
        ...(start !== undefined && { headers: { 'last-event-id': String(start - 1) } }),
        signal,
      });
      let lastHeardMs = performance.now();
      const watch = setInterval(() => {
        if (performance.now() - lastHeardMs > heartbeatMs + transport.timeoutMs) stream.destroy();
      }, heartbeatMs);
      try {
        for await (const page of recordEvents(stream.chunks())) {
          lastHeardMs = Number.POSITIVE_INFINITY;
          yield page;
          lastHeardMs = performance.now();
        }
      } finally {
        clearInterval(watch);
        stream.destroy();
      }
    },

    async page(target, { start, end, limit, startTimeMs, last, reverse, durable, followMs }, signal) {
      const query = queryOf({
        start_seq: start,
        end_seq: end,
        limit,
        start_time_ms: startTimeMs,
        tail: last,
        reverse: reverse || undefined,
        durable: durable || undefined,
        follow: followMs === undefined ? undefined : true,
        timeout_ms: followMs,
        arrival_times: true,
      });
      const route = target instanceof Uint8Array && !durable ? 'scan' : 'read';
      const answer = await get(`${route}?${targetQuery(target)}${query}`, protobuf, signal, followMs);
      return decoded(() => pageOf(target, answer));
    },

    async keys({ prefix, after, startSegment, endSegment, limit }, signal) {
      const bytes = `${prefix === undefined ? '' : `&prefix=${percentEncoded(prefix)}`}${after === undefined ? '' : `&after=${percentEncoded(after)}`}`;
      const query = queryOf({ start_segment: startSegment, end_segment: endSegment });
      const answer = await get(`keys?limit=${limit}${query}${bytes}`, protobuf, signal);
      return decoded(() => decodeKeysResponse('protobuf', answer));
    },

    async count(key, range, signal) {
      const answer = await get(`count?key=${percentEncoded(key)}${rangeQuery(range)}`, protobuf, signal);
      return decoded(() => decodeCountResponse('protobuf', answer));
    },

    async inspect(key, range, signal) {
      const answer = await get(`inspect?key=${percentEncoded(key)}${rangeQuery(range)}`, json, signal);
      const { total, pages, segments } = jsonOf<KeyInspection>(answer, ['total', 'pages', 'segments']);
      return { total, pages, segments };
    },

    async segments(range, signal) {
      const answer = await get(`segments?${rangeQuery(range).slice(1)}`, protobuf, signal);
      return decoded(() => decodeSegmentsResponse('protobuf', answer));
    },

    async flush(signal) {
      const answer = await transport.request({ method: 'POST', path: `${routes}/flush`, accept: json, signal });
      return watermarkOf(answer);
    },

    async watermark(sequence, timeoutMs, signal) {
      const path = `durable?min_seq=${sequence}&timeout_ms=${timeoutMs}`;
      return watermarkOf(await get(path, json, signal, timeoutMs));
    },

    async close() {
      transport.close();
    },
  };
}

/** Of everything, nothing is said. */
function targetQuery(target: Target): string {
  if (target instanceof Uint8Array) return `key=${percentEncoded(target)}`;
  const parameters = [
    ...target.keys.map((key) => `key=${percentEncoded(key)}`),
    ...target.prefixes.map((prefix) => `prefix=${percentEncoded(prefix)}`),
  ];
  return parameters.join('&');
}

function pageOf(target: Target, answer: Uint8Array): Page {
  const { records, nextSequence } = decodeScanResponse('protobuf', answer);
  const key = target instanceof Uint8Array ? target : new Uint8Array(0);
  const list: ReadRecord[] = [];
  for (let i = 0; i < records.count; i++) list.push({ key, arrivalTimeMs: 0, ...logRecordAt(records, i) });
  return { records: list, nextSequence };
}

function watermarkOf(answer: Uint8Array): Watermark {
  const { durableSequence, nextSequence } = jsonOf<Watermark>(answer, ['durableSequence', 'nextSequence']);
  return { durableSequence, nextSequence };
}

/** An object with these members. */
function jsonOf<T>(answer: Uint8Array, names: readonly (string & keyof T)[]): T {
  return decoded(() => {
    const value = Object(JSON.parse(Buffer.from(answer).toString())) as T & object;
    const missing = names.find((name) => !(name in value));
    if (missing !== undefined) throw new SyntaxError(`${missing} is missing`);
    return value;
  });
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!isWireError(cause) && !(cause instanceof SyntaxError)) throw cause;
    const message = `the answer is not one of a log: ${cause.message}`;
    throw new LogClientError('protocol', message, { cause, status: 200, mayBeWritten: true });
  }
}

function rangeQuery({ start, end }: Range): string {
  return queryOf({ start_seq: start, end_seq: end });
}

/** `&name=value` for each that is there. */
function queryOf(parameters: Readonly<Record<string, number | boolean | undefined>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => (value === undefined ? '' : `&${name}=${value}`))
    .join('');
}
