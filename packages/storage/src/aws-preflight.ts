import { randomUUID } from 'node:crypto';
import { awsCredentials } from './aws-credentials.ts';
import { signedHeaders } from './aws-signature.ts';
import { askStore, requireSuccess, tryConditionalPut } from './conditional-put.ts';
import type { AwsTarget, Environment, ObjectStoreTarget } from './object-store.ts';

export interface AwsPreflightOptions {
  readonly env: Environment;
  readonly readOnly: boolean;
  readonly signal: AbortSignal;
  readonly stsEndpoint?: string | undefined;
}

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
    askStore(target, { method, url: new URL(url), body }, signal, (request, bytes) =>
      credentials === undefined
        ? headers
        : signedHeaders({ ...request, headers }, bytes, aws.region, credentials, Date.now()),
    );

  const list = `${aws.bucketUrl}?list-type=2&max-keys=1&prefix=${encodeURIComponent(`${path}/`)}`;
  requireSuccess(description, 'listing (s3:ListBucket)', await ask('GET', list));
  if (readOnly) return [];

  const key = [...path.split('/'), 'preflight', randomUUID()].map(encodeURIComponent).join('/');
  const url = `${aws.bucketUrl}/${key}`;
  return tryConditionalPut(
    description,
    {
      putNew: () => ask('PUT', url, { 'if-none-match': '*' }, 'conditional put?'),
      remove: () => ask('DELETE', url),
    },
    { write: 'writing (s3:PutObject)', remove: 's3:DeleteObject' },
  );
}
