import { StorageError } from './errors.ts';
import type { ObjectStoreTarget } from './object-store.ts';

/** Why a store cannot be used; the `reason` in a StorageError's details. */
export type StoreFailureReason =
  | 'missing_bucket'
  | 'credentials'
  | 'access_denied'
  | 'wrong_region'
  | 'clock'
  | 'plain_http'
  | 'no_conditional_put'
  | 'not_writable'
  | 'unreachable'
  | 'timeout'
  | 'answer';

const credentialCodes =
  /InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|InvalidSecurity|AuthenticationFailed|InvalidAuthenticationInfo|invalid_grant/;

/** An answer of a store that is not a success, as an error that tells an operator what to change. */
export function storeFailure(description: string, action: string, status: number, text: string): StorageError {
  const code = /<Code>([^<]+)<\/Code>/.exec(text)?.[1];
  const answered = `${action} was answered with ${status}${code === undefined ? '' : ` ${code}`}`;
  const fail = (reason: StoreFailureReason, why: string, retryable = false): StorageError =>
    new StorageError(retryable ? 'unavailable' : 'config', `${description}: ${why} (${answered})`, {
      details: { reason, status, code },
    });

  if (code === 'RequestTimeTooSkewed') return fail('clock', "this machine's clock is wrong");
  if (credentialCodes.test(code ?? text)) return fail('credentials', 'the credentials are wrong or have expired');
  if (code === 'NoSuchBucket' || code === 'ContainerNotFound' || status === 404) {
    return fail('missing_bucket', 'the bucket does not exist at this endpoint');
  }
  if (
    code === 'AuthorizationHeaderMalformed' ||
    code === 'IllegalLocationConstraintException' ||
    status === 301 ||
    status === 307
  ) {
    const region = /<Region>([^<]+)<\/Region>/.exec(text)?.[1];
    return fail('wrong_region', `the bucket is in another region${region === undefined ? '' : `, ${region}`}`);
  }
  if (status === 401 || status === 403) return fail('access_denied', 'the credentials do not permit this');
  if (status >= 500 || status === 429) return fail('answer', 'the store does not work right now', true);
  return fail('answer', 'the store refuses to work');
}

/** The store, or the way to it, gave no answer. */
export function unreachable(target: ObjectStoreTarget, error: unknown, signal: AbortSignal): StorageError {
  const at = target.endpoint === undefined ? target.description : `${target.description} (${target.endpoint})`;
  if (signal.aborted) {
    return new StorageError('unavailable', `${at}: no answer within the deadline of the check at start`, {
      cause: error,
      details: { reason: 'timeout' },
    });
  }
  const cause = (error as Error).cause as { code?: string; message?: string } | undefined;
  const code = cause?.code ?? cause?.message ?? (error as Error).message;
  const words: Record<string, string> = {
    ECONNREFUSED: 'the connection was refused (ECONNREFUSED)',
    ENOTFOUND: 'there is no such host (ENOTFOUND)',
    ECONNRESET: 'the connection was reset (ECONNRESET)',
    UND_ERR_SOCKET: 'the connection was closed in the middle',
  };
  return new StorageError('unavailable', `${at} cannot be reached: ${words[code] ?? code}`, {
    cause: error,
    details: { reason: 'unreachable', code },
  });
}

const brokenSetup =
  /Unable to (?:open|decode) service account|Unable to read|Failed to read token file|Account must be specified|builder error|Generic Config error/;

/**
 * The engine's own message about a failed request in the terms above: it carries the store's answer in it, or says that
 * no request could be made at all.
 */
export function storeFailureOfMessage(description: string, message: string): StorageError | undefined {
  const status = /status code: (\d{3})/.exec(message)?.[1];
  if (status !== undefined) return storeFailure(description, 'reading', Number(status), message);
  if (!brokenSetup.test(message)) return undefined;
  return new StorageError('config', `${description}: ${message}`, { details: { reason: 'credentials' } });
}
