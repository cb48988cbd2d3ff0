import type { IncomingMessage } from 'node:http';

/** What an error's answer may depend on. */
export type FailedRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** Something that a client is told instead of an answer. */
export interface HttpProblem {
  readonly status: number;
  /** For the client: what is wrong and what was expected; never a stack, a path or a credential. */
  readonly message: string;
  /** A word that the renderer may use, as Prometheus' `errorType`. */
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `Retry-After`, rounded up. */
  readonly retryAfterSeconds?: number | undefined;
  /** Sent as it is, past the renderer. */
  readonly body?: RenderedProblem | undefined;
}

export interface RenderedProblem {
  readonly contentType: string;
  readonly body: string | Buffer;
}

/** Puts a problem into the words of an API. `request` is absent where not even a request line could be read. */
export type ErrorRenderer = (problem: HttpProblem, request: FailedRequest | undefined) => RenderedProblem;

/** Says what status a typed error of a database has; `undefined` for an error that it does not know, which is a 500. */
export type ErrorMapper = (error: unknown) => HttpProblem | undefined;

/** Thrown by a handler that knows its status itself. */
export class HttpError extends Error implements HttpProblem {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly body: RenderedProblem | undefined;

  constructor(status: number, message: string, more: Partial<Omit<HttpProblem, 'status' | 'message'>> = {}) {
    super(message);
    this.status = status;
    this.code = more.code;
    this.headers = more.headers;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.body = more.body;
  }
}

/** `{"status":"error","message":"…"}`, with the `code` of a problem that has one. */
export function renderPlainError({ message, code }: HttpProblem): RenderedProblem {
  return { contentType: 'application/json', body: JSON.stringify({ status: 'error', message, code }) };
}

/** The headers of a problem's answer, beside those of its body. */
export function problemHeaders({ headers, retryAfterSeconds }: HttpProblem): Record<string, string> {
  return {
    ...headers,
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
  };
}
