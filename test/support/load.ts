/** One answer that a client of a load got; `status` 0: none (refused, broken off, or given up waiting). */
export interface LoadAnswer {
  readonly status: number;
  readonly elapsedMs: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
  /** What happened instead of an answer: an error code such as ECONNREFUSED, or `TimeoutError`. */
  readonly failure: string | undefined;
}

/** Clients that send one request after the other until they are stopped. */
export interface Load {
  readonly answers: readonly LoadAnswer[];
  /** Number of answers so far with this status. */
  count(status: number): number;
  /** Forgets the answers so far. */
  reset(): void;
  /** Resolves once every request under way is answered. */
  stop(): Promise<void>;
}

/** Longer than any request may take anywhere in these tests; who waits for it proves that a server hangs. */
export const HANG_MS = 60_000;

const PAUSE_AFTER_FAILURE_MS = 20;

/** Starts `clients` loops that call `send` until stopped. */
export function startLoad(clients: number, send: (client: number) => Promise<LoadAnswer>): Load {
  let answers: LoadAnswer[] = [];
  let running = true;
  const loops = Array.from({ length: clients }, async (_, client) => {
    while (running) {
      const answer = await send(client);
      answers.push(answer);
      if (answer.status < 200 || answer.status > 299) await sleep(PAUSE_AFTER_FAILURE_MS);
    }
  });
  return {
    get answers() {
      return answers;
    },
    count: (status) => answers.filter((answer) => answer.status === status).length,
    reset: () => {
      answers = [];
    },
    stop: async () => {
      running = false;
      await Promise.all(loops);
    },
  };
}

/** A POST whose every outcome is an answer. */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<LoadAnswer> {
  const startMs = performance.now();
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(HANG_MS) });
    const text = await response.text();
    return {
      status: response.status,
      elapsedMs: performance.now() - startMs,
      retryAfter: response.headers.get('retry-after') ?? undefined,
      text,
      failure: undefined,
    };
  } catch (error) {
    return {
      status: 0,
      elapsedMs: performance.now() - startMs,
      retryAfter: undefined,
      text: '',
      failure: failureOf(error),
    };
  }
}

function failureOf(error: unknown): string {
  const { name, cause } = error as { name: string; cause?: { code?: string } };
  return cause?.code ?? name;
}

/** Waits until `check` holds. @throws Error naming `what` after `timeoutMs` (60 s) */
export async function until(what: string, check: () => boolean | Promise<boolean>, timeoutMs = HANG_MS): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(25);
  }
}

/** A GET, or whatever `init` says, that fails rather than waits for ever where a server hangs. */
export function ask(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(HANG_MS) });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
