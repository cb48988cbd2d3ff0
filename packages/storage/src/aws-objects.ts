import { awsCredentials } from './aws-credentials.ts';
import { signedHeaders } from './aws-signature.ts';
import { askStore, objectUrl } from './conditional-put.ts';
import type { AwsTarget, ObjectStoreTarget } from './object-store.ts';
import type { StoreAccess, StoreObjects } from './store-objects.ts';

/** @throws StorageError `config`, `unavailable` where there are no credentials to be had */
export async function awsObjects(
  target: ObjectStoreTarget & { readonly aws: AwsTarget },
  { env, signal, stsEndpoint }: StoreAccess,
): Promise<StoreObjects> {
  const { aws, path } = target;
  const anonymous = /^(?:1|true|on|yes|y)$/i.test(env['AWS_SKIP_SIGNATURE'] ?? '');
  const credentials = anonymous ? undefined : await awsCredentials({ env, region: aws.region, signal, stsEndpoint });
  const ask = (method: string, url: string, headers: Record<string, string> = {}, body = '') =>
    askStore(target, { method, url: new URL(url), body }, signal, (request, bytes) =>
      credentials === undefined
        ? headers
        : signedHeaders({ ...request, headers }, bytes, aws.region, credentials, Date.now()),
    );
  const urlOf = (name: string): string => objectUrl(aws.bucketUrl, path, name);
  return {
    actions: { list: 'listing (s3:ListBucket)', write: 'writing (s3:PutObject)', remove: 's3:DeleteObject' },
    list: () => ask('GET', `${aws.bucketUrl}?list-type=2&max-keys=1&prefix=${encodeURIComponent(`${path}/`)}`),
    get: (name) => ask('GET', urlOf(name)),
    put: (name, body) => ask('PUT', urlOf(name), {}, body),
    putNew: (name, body) => ask('PUT', urlOf(name), { 'if-none-match': '*' }, body),
    remove: (name) => ask('DELETE', urlOf(name)),
  };
}
