import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError } from './errors.ts';
import type { ObjectStoreTarget } from './object-store.ts';
import { storeFailure, unreachable } from './store-failure.ts';

const ATTEMPTS = 3;
const RETRY_MS = 200;

/** What a store has answered to one request. */
export interface StoreAnswer {
  readonly status: number;
  readonly text: string;
}

export interface StoreRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

/** Headers of one attempt, with its signature. */
export type SignRequest = (request: StoreRequest, body: Uint8Array) => Record<string, string>;

/** Asks up to three times, until there is an answer that is not 5xx. @throws StorageError unavailable */
export async function askStore(
  target: ObjectStoreTarget,
  request: StoreRequest,
  signal: AbortSignal,
  sign: SignRequest,
): Promise<StoreAnswer> {
  const body = new TextEncoder().encode(request.body);
  for (let attempt = 1; ; attempt++) {
    try {
      const init = { method: request.method, headers: sign(request, body), signal, redirect: 'manual' } as const;
      const response = await fetch(request.url, body.length > 0 ? { ...init, body } : init);
      const answer = { status: response.status, text: await response.text() };
      if (answer.status < 500 || answer.status === 501 || attempt === ATTEMPTS) return answer;
    } catch (error) {
      if (signal.aborted || attempt === ATTEMPTS || isRefused(error)) throw unreachable(target, error, signal);
    }
    await sleep(RETRY_MS * attempt, undefined, { signal }).catch((error: unknown) => {
      throw unreachable(target, error, signal);
    });
  }
}

/** @throws StorageError that says what is wrong, see {@link storeFailure} */
export function requireSuccess(description: string, action: string, { status, text }: StoreAnswer): void {
  if (status < 200 || status > 299) throw storeFailure(description, action, status, text);
}

/**
 * Puts one small object twice with `If-None-Match: *` and removes it. The second put must be refused: it is what keeps
 * two writers apart.
 * @param actions what to call writing, and the permission to remove, in messages
 * @returns warnings
 * @throws StorageError `config` for a store without conditional puts, and for what else is wrong
 */
export async function tryConditionalPut(
  description: string,
  { putNew, remove }: { putNew(): Promise<StoreAnswer>; remove(): Promise<StoreAnswer> },
  actions: { readonly write: string; readonly remove: string },
): Promise<string[]> {
  const first = await putNew();
  if (first.status === 501 || first.status === 400) throw notConditional(description, `it answered ${first.status}`);
  // A put whose answer was lost and that was tried again has met its own object.
  if (!isPreconditionFailed(first)) requireSuccess(description, actions.write, first);
  const second = await putNew();
  const removed = await remove();
  if (second.status >= 200 && second.status <= 299) {
    throw notConditional(description, 'it overwrote an object that a put with If-None-Match: * must not touch');
  }
  if (!isPreconditionFailed(second)) requireSuccess(description, 'a conditional write', second);
  if (removed.status === 403) {
    return [`${description} does not permit deleting (${actions.remove}): garbage will stay in it for ever`];
  }
  return [];
}

function isPreconditionFailed({ status }: StoreAnswer): boolean {
  return status === 412 || status === 409;
}

/** A refused connection or an unknown host is not worth another attempt. */
function isRefused(error: unknown): boolean {
  const code = ((error as Error).cause as { code?: string } | undefined)?.code;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND';
}

function notConditional(description: string, what: string): StorageError {
  return new StorageError(
    'config',
    `${description} does not do conditional puts (If-None-Match: *): ${what}. Without them two writers could destroy ` +
      'each other’s data unnoticed; use a store that has them',
    { details: { reason: 'no_conditional_put' } },
  );
}

/** Where the object `name` of the database at `path` is. */
export function objectUrl(bucketUrl: string, path: string, name: string): string {
  return `${bucketUrl}/${`${path}/${name}`.split('/').map(encodeURIComponent).join('/')}`;
}
