import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { awsCredentials } from './aws-credentials.ts';
import { type AwsCredentials, signedHeaders } from './aws-signature.ts';
import { StorageError } from './errors.ts';
import type { AwsTarget, Environment, ObjectStoreTarget } from './object-store.ts';
import { storeFailure, unreachable } from './store-failure.ts';

export interface AwsPreflightOptions {
  readonly env: Environment;
  readonly readOnly: boolean;
  readonly signal: AbortSignal;
  readonly stsEndpoint?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const attempts = 3;
const retryMs = 200;

/**
 * Lists the bucket; then, unless read-only, puts one small object twice with `If-None-Match: *` and deletes it. The
 * second put must be refused: it is what keeps two writers apart.
 * @returns warnings
 * @throws StorageError that says what is wrong, see {@link storeFailure}
 */
export async function preflightAws(
  target: ObjectStoreTarget & { readonly aws: AwsTarget },
  options: AwsPreflightOptions,
): Promise<string[]> {
  const { aws, path, description } = target;
  const { env, signal, readOnly, stsEndpoint } = options;
  const anonymous = /^(?:1|true|on|yes|y)$/i.test(env['AWS_SKIP_SIGNATURE'] ?? '');
  const credentials = anonymous ? undefined : await awsCredentials({ env, region: aws.region, signal, stsEndpoint });
  const ask = (method: string, url: string, headers: Record<string, string> = {}, body = '') =>
    askWithRetries({ method, url: new URL(url), headers, body }, aws.region, credentials, target, signal);
  const require = (answer: Answer, action: string): void => {
    if (answer.status < 200 || answer.status > 299) throw storeFailure(description, action, answer.status, answer.text);
  };

  require(await ask(
    'GET',
    `${aws.bucketUrl}?list-type=2&max-keys=1&prefix=${encodeURIComponent(`${path}/`)}`,
  ), 'listing (s3:ListBucket)');
  if (readOnly) return [];

  const key = [...path.split('/'), 'preflight', randomUUID()].map(encodeURIComponent).join('/');
  const url = `${aws.bucketUrl}/${key}`;
  const putNew = () => ask('PUT', url, { 'if-none-match': '*' }, 'conditional put?');
  const first = await putNew();
  if (first.status === 501 || first.status === 400) throw notConditional(description, `it answered ${first.status}`);
  // A put whose answer was lost and that was tried again has met its own object.
  if (!isPreconditionFailed(first)) require(first, 'writing (s3:PutObject)');
  const second = await putNew();
  const deleted = await ask('DELETE', url);
  if (second.status >= 200 && second.status <= 299) {
    throw notConditional(description, 'it overwrote an object that a put with If-None-Match: * must not touch');
  }
  if (!isPreconditionFailed(second)) require(second, 'a conditional write');
  if (deleted.status === 403) {
    return [`${description} does not permit deleting (s3:DeleteObject): garbage will stay in the bucket for ever`];
  }
  return [];
}

async function askWithRetries(
  request: {
    readonly method: string;
    readonly url: URL;
    readonly headers: Record<string, string>;
    readonly body: string;
  },
  region: string,
  credentials: AwsCredentials | undefined,
  target: ObjectStoreTarget,
  signal: AbortSignal,
): Promise<Answer> {
  const body = new TextEncoder().encode(request.body);
  for (let attempt = 1; ; attempt++) {
    const headers =
      credentials === undefined ? request.headers : signedHeaders(request, body, region, credentials, Date.now());
    try {
      const init = { method: request.method, headers, signal, redirect: 'manual' } as const;
      const response = await fetch(request.url, body.length > 0 ? { ...init, body } : init);
      const answer = { status: response.status, text: await response.text() };
      if (answer.status < 500 || answer.status === 501 || attempt === attempts) return answer;
    } catch (error) {
      if (signal.aborted || attempt === attempts || isRefused(error)) throw unreachable(target, error, signal);
    }
    await sleep(retryMs * attempt, undefined, { signal }).catch((error: unknown) => {
      throw unreachable(target, error, signal);
    });
  }
}

function isPreconditionFailed({ status }: Answer): boolean {
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
