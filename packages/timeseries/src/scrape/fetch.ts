import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { scrapeAccept } from '@opendata/wire';
import type { HttpClientSettings } from '../model/http-client-config.ts';
import { requestUrl } from '../model/target-address.ts';
import { authorizationOf } from './authorization.ts';
import { ScrapeError } from './scrape-error.ts';
import type { ScrapeTarget } from './target.ts';
import { tlsOptionsOf } from './tls-options.ts';

const MAX_REDIRECTS = 10;
/** Bodies are held in memory, so there is a limit where the configuration sets none. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** Of an answer that is not used; then its connection is kept. */
const MAX_DISCARDED_BYTES = 64 * 1024;
const DISCARD_MS = 1000;

export { ScrapeError } from './scrape-error.ts';

export interface ScrapeResponse {
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

/** What to ask a server for. */
export interface FetchRequest {
  readonly url: string;
  readonly http: HttpClientSettings;
  readonly headers: Readonly<Record<string, string>>;
  /** Most bytes of the body, decompressed; 0: no limit but {@link MAX_BODY_BYTES}. */
  readonly bodySizeLimitBytes: number;
}

/** Connections that are kept between requests. */
export interface ScrapeClient {
  /** @throws ScrapeError */
  fetch(target: ScrapeTarget, signal: AbortSignal): Promise<ScrapeResponse>;
  /** Any other request, in the same way. @throws ScrapeError */
  get(request: FetchRequest, signal: AbortSignal): Promise<ScrapeResponse>;
  close(): void;
}

export function createScrapeClient(userAgent: string): ScrapeClient {
  const options = { keepAlive: true, maxFreeSockets: 1, timeout: 300_000 };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);

  const send = (url: URL, tls: ConnectionOptions, headers: OutgoingHttpHeaders, signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request =
        url.protocol === 'https:'
          ? httpsRequest(url, { agent: https, signal, headers, ...tls })
          : httpRequest(url, { agent: http, signal, headers });
      request.once('response', resolve);
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just when it was to be used again: that says nothing about the target.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) {
          send(url, tls, headers, signal).then(resolve, reject);
        } else reject(error);
      });
      request.end();
    });

  const get = async (request: FetchRequest, signal: AbortSignal): Promise<ScrapeResponse> => {
    const { credentials, tls: tlsSettings, followRedirects } = request.http;
    try {
      const authorization = await authorizationOf(credentials);
      const tls = await tlsOptionsOf(tlsSettings);
      const headers = { ...request.headers, 'user-agent': userAgent };
      const first = new URL(requestUrl(request.url));
      let url = first;
      for (let redirects = 0; ; redirects++) {
        // Another host is not told the credentials of this one, nor is anybody on the way.
        const isSafe = url.host === first.host && !(first.protocol === 'https:' && url.protocol === 'http:');
        const isToldSecrets = isSafe && authorization !== undefined;
        const response = await send(url, tls, { ...headers, ...(isToldSecrets && { authorization }) }, signal);
        const { statusCode = 0, headers: answered } = response;
        const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && answered.location !== undefined;
        if (isRedirect && followRedirects) {
          discard(response);
          if (redirects === MAX_REDIRECTS) throw new ScrapeError(`stopped after ${MAX_REDIRECTS} redirects`);
          url = redirectTarget(answered.location!, url);
          continue;
        }
        if (statusCode !== 200) {
          discard(response);
          throw new ScrapeError(`server returned HTTP status ${statusCode} ${response.statusMessage ?? ''}`.trim());
        }
        return {
          body: await readBody(response, request.bodySizeLimitBytes),
          contentType: answered['content-type'],
        };
      }
    } catch (error) {
      if (signal.aborted) throw new ScrapeError(abortReason(signal));
      if (error instanceof ScrapeError) throw error;
      throw new ScrapeError(error instanceof Error ? error.message : String(error));
    }
  };

  return {
    get,
    fetch({ url, job }, signal) {
      const headers = {
        accept: scrapeAccept(job.scrapeProtocols),
        'accept-encoding': job.enableCompression ? 'gzip' : 'identity',
        'x-prometheus-scrape-timeout-seconds': String(job.timeoutMs / 1000),
      };
      return get({ url, http: job, headers, bodySizeLimitBytes: job.bodySizeLimitBytes }, signal);
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

/** Reads no more of a body than a message: whoever sends without an end must not do so for ever. */
function discard(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DISCARDED_BYTES) response.destroy();
  });
  const timer = setTimeout(() => response.destroy(), DISCARD_MS);
  response.once('close', () => clearTimeout(timer));
}

function redirectTarget(location: string, from: URL): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ScrapeError(`cannot follow the redirect to ${JSON.stringify(location)}`);
  }
  return url;
}

function abortReason(signal: AbortSignal): string {
  const { reason } = signal as { reason: unknown };
  return reason instanceof Error ? reason.message : 'aborted';
}

/** Reads the body, decompressed; more than `limitBytes` (0: no limit) is an error. */
function readBody(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') {
    discard(response);
    throw new ScrapeError(`unsupported content encoding ${JSON.stringify(encoding)}`);
  }
  return new Promise((resolve, reject) => {
    const stream = encoding === 'gzip' ? response.pipe(createGunzip()) : response;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const maxBytes = limitBytes > 0 ? limitBytes : MAX_BODY_BYTES;
    const fail = (error: Error) => {
      response.destroy();
      stream.destroy();
      reject(error);
    };
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) fail(new ScrapeError(`body size limit of ${maxBytes} bytes exceeded`));
      else chunks.push(chunk);
    });
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.on('error', fail);
    response.on('error', fail);
    response.once('close', () => {
      if (!response.complete) fail(new ScrapeError('the connection was closed before the body was complete'));
    });
  });
}
