import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createGunzip } from 'node:zlib';
import { scrapeAccept } from '@opendata/wire';
import { requestUrl } from '../model/target-address.ts';
import { authorizationOf } from './authorization.ts';
import { ScrapeError } from './scrape-error.ts';
import type { ScrapeTarget } from './target.ts';

const MAX_REDIRECTS = 10;
/** Bodies are held in memory, so there is a limit where the configuration sets none. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

export { ScrapeError } from './scrape-error.ts';

export interface ScrapeResponse {
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

/** Connections that are kept between scrapes. */
export interface ScrapeClient {
  /** @throws ScrapeError */
  fetch(target: ScrapeTarget, signal: AbortSignal): Promise<ScrapeResponse>;
  close(): void;
}

export function createScrapeClient(userAgent: string): ScrapeClient {
  const options = { keepAlive: true, maxFreeSockets: 1, timeout: 300_000 };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);

  const get = (
    url: URL,
    target: ScrapeTarget,
    signal: AbortSignal,
    authorization: string | undefined,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:';
      const { enableCompression, timeoutMs } = target.job;
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        agent: isSecure ? https : http,
        signal,
        headers: {
          accept: scrapeAccept(target.job.scrapeProtocols),
          'accept-encoding': enableCompression ? 'gzip' : 'identity',
          'user-agent': userAgent,
          ...(authorization !== undefined && { authorization }),
          'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000),
        },
      });
      request.once('response', resolve);
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just when it was to be used again: that says nothing about the target.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) {
          get(url, target, signal, authorization).then(resolve, reject);
        } else reject(error);
      });
      request.end();
    });

  return {
    async fetch(target, signal) {
      const first = new URL(requestUrl(target.url));
      let url = first;
      try {
        const authorization = await authorizationOf(target.job.credentials);
        for (let redirects = 0; ; redirects++) {
          // Another host is not told the credentials of this one.
          const isSameHost = url.host === first.host;
          const response = await get(url, target, signal, isSameHost ? authorization : undefined);
          const { statusCode = 0, headers } = response;
          const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;
          if (isRedirect && target.job.followRedirects) {
            response.resume();
            if (redirects === MAX_REDIRECTS) throw new ScrapeError(`stopped after ${MAX_REDIRECTS} redirects`);
            url = redirectTarget(headers.location!, url);
            continue;
          }
          if (statusCode !== 200) {
            response.resume();
            throw new ScrapeError(`server returned HTTP status ${statusCode} ${response.statusMessage ?? ''}`.trim());
          }
          return {
            body: await readBody(response, target.job.bodySizeLimitBytes),
            contentType: headers['content-type'],
          };
        }
      } catch (error) {
        if (signal.aborted) throw new ScrapeError(abortReason(signal));
        if (error instanceof ScrapeError) throw error;
        throw new ScrapeError(error instanceof Error ? error.message : String(error));
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
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
    response.resume();
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
