import type { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { type PathPattern, parameterOf, pathPattern } from './path-pattern.ts';
import type { QuickHead } from './quick-head.ts';
import type { EndpointMetrics, RequestMetrics } from './request-metrics.ts';

/** A route for many requests, of whose cost `node:http` would be a good part. POST requests with a query are not for it. */
export interface QuickRoute {
  /** POST by default. */
  readonly method?: 'GET' | 'POST';
  /** With at most one parameter, `/a/:name/b`, of letters, digits and underscores: another one is for the parser. */
  readonly path: string;
  /** The server's body limit by default. */
  readonly bodyLimitBytes?: number;
  /** Headers of every answer, of errors too. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Uses the body before it first returns only: its buffer is then used again. What it throws is answered like any error.
   * @param parameter of the path; empty where it has none
   */
  handle(head: QuickHead, body: Buffer, exchange: QuickExchange, parameter: string): void | Promise<void>;
}

/** One request that waits for its answer. It is answered once. */
export interface QuickExchange {
  /** What ends the work of this request: it aborts when the client leaves or the server stops. Made on first use. */
  readonly controller: AbortController;
  /** Answers 200; `body` is a string of bytes (latin1). */
  answer(contentType: string, body: string): void;
  /** Answers 200. */
  answerBytes(body: Buffer, headers: Readonly<Record<string, string>>): void;
  /** Begins an answer 200 of any length; what is written is its body. An error of it breaks the connection off. */
  answerStream(headers: Readonly<Record<string, string>>): Writable;
  /** Answers 204. */
  answerEmpty(headers?: Readonly<Record<string, string>>): void;
  /** Breaks the connection off. */
  destroy(): void;
}

export interface PreparedRoute {
  readonly route: QuickRoute;
  readonly endpoint: EndpointMetrics;
  /** Header lines of every answer. */
  readonly headerLines: string;
}

export interface QuickMatch {
  readonly prepared: PreparedRoute;
  readonly parameter: string;
}

/** Finds the route of a request. */
export class QuickRoutes {
  readonly isEmpty: boolean;
  readonly #fixed = new Map<string, QuickMatch>();
  readonly #patterns: { readonly method: string; readonly pattern: PathPattern; readonly prepared: PreparedRoute }[] =
    [];

  constructor(routes: readonly QuickRoute[], metrics: RequestMetrics) {
    this.isEmpty = routes.length === 0;
    for (const route of routes) {
      const { method = 'POST', path } = route;
      const prepared = { route, endpoint: metrics.endpoint(path), headerLines: headerLines(route.headers ?? {}) };
      const pattern = pathPattern(path);
      if (pattern === undefined) this.#fixed.set(`${method} ${path}`, { prepared, parameter: '' });
      else this.#patterns.push({ method, pattern, prepared });
    }
  }

  find({ method, path }: QuickHead): QuickMatch | undefined {
    const fixed = this.#fixed.get(`${method} ${path}`);
    if (fixed !== undefined) return fixed;
    for (const one of this.#patterns) {
      const parameter = one.method === method ? parameterOf(path, one.pattern) : '';
      if (parameter !== '') return { prepared: one.prepared, parameter };
    }
    return undefined;
  }
}

/** Each with a line end before it. */
export function headerLines(headers: Readonly<Record<string, string>>): string {
  let lines = '';
  for (const name in headers) lines += `\r\n${name}: ${headers[name]!}`;
  return lines;
}
