import { CliError } from '@opendata/server/cli';

/** An error of a server, in its words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** `bad_data`, `unauthorized`, `execution`, `timeout`, `unavailable` … */
  readonly code: string;
  /** Absent when there was no answer. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

export interface ApiAnswer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

type Parameters = readonly [name: string, value: string][];

/** Asks the Prometheus API of a server. */
export interface Api {
  /** @throws ApiError, CliError for a URL that is none, or the reason of the signal */
  get<T>(path: string, parameters: Parameters): Promise<ApiAnswer<T>>;
  /** With the parameters in the body, where they may be long. */
  post<T>(path: string, parameters: Parameters): Promise<ApiAnswer<T>>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Sends a request to a path under `/api/v1/`; the answer may be any.
 * @throws ApiError unavailable where there is no answer, or the reason of the signal
 */
export type Send = (path: string, init: RequestInit) => Promise<Answer>;

/** @param url may have credentials and a path. @throws CliError for a URL that is none */
export function createSend(url: string, signal: AbortSignal): Send {
  const base = parseUrl(url);
  const credentials = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`;
  const authorization: Record<string, string> =
    credentials === ':' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '')}/api/v1/`;
  return async (path, init) => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(authorization)) headers.set(name, value);
    try {
      const response = await fetch(root + path, { ...init, headers, signal });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (cause) {
      signal.throwIfAborted();
      throw new ApiError('unavailable', `${base.origin}: ${reasonOf(cause)}`, undefined, { cause });
    }
  };
}

/** @param url may have credentials and a path */
export function createApi(url: string, signal: AbortSignal): Api {
  const send = createSend(url, signal);

  async function ask<T>(path: string, init: RequestInit): Promise<ApiAnswer<T>> {
    const { status, text } = await send(path, init);
    return answerOf<T>(status, text);
  }

  return {
    get: (path, parameters) => {
      const query = new URLSearchParams(parameters).toString();
      return ask(query === '' ? path : `${path}?${query}`, {});
    },
    post: (path, parameters) => ask(path, { method: 'POST', body: new URLSearchParams(parameters) }),
  };
}

function parseUrl(text: string): URL {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new CliError(`--url: not an http: or https: URL: ${text}`);
  return new URL(url);
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const { message, code } = Object(cause ?? error) as { message?: string; code?: string };
  return message === undefined || message === '' ? (code ?? String(error)) : message;
}

function answerOf<T>(status: number, text: string): ApiAnswer<T> {
  const answer = parsed(text);
  const { data, warnings = [], infos = [] } = answer;
  if (status === 401) throw new ApiError('unauthorized', 'the server wants other credentials', status);
  if (answer.status === 'success' && data !== undefined) return { data: data as T, warnings, infos };
  if (answer.status === 'error')
    throw new ApiError(answer.errorType ?? 'failed', answer.error ?? answer.message ?? '', status);
  const code = [502, 503, 504].includes(status) ? 'unavailable' : 'failed';
  throw new ApiError(code, `HTTP ${status}: ${text.slice(0, 200).trim()}`, status);
}

interface Envelope {
  readonly status?: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

function parsed(text: string): Envelope {
  try {
    return Object(JSON.parse(text)) as Envelope;
  } catch {
    return {};
  }
}
