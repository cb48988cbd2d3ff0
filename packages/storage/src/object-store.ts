import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AwsObjectStoreConfig, ObjectStoreConfig, StorageConfig } from './config.ts';
import { StorageError } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a database lives, in the terms of the engine. */
export interface ObjectStoreTarget {
  /** `memory:///`, `file:///…`, `s3://bucket`, `gs://bucket`, `az://container`. */
  readonly url: string;
  /** The path of the database inside the store. */
  readonly path: string;
  /** To be set (undefined: unset) in the environment of the process while the engine resolves `url`, then put back. */
  readonly env: Environment;
  /** What to call the store in messages; without secrets. */
  readonly description: string;
  readonly isRemote: boolean;
  /** The folder of a Local store, absolute. */
  readonly folder?: string;
  readonly aws?: AwsTarget;
  readonly azure?: AzureTarget;
  /** The base URL that answers HTTP for this store, where it is known. */
  readonly endpoint?: string;
}

export interface AwsTarget {
  readonly bucket: string;
  readonly region: string;
  /** URL of the bucket, in path or virtual-hosted style; without a slash at the end. */
  readonly bucketUrl: string;
}

export interface AzureTarget {
  readonly account: string;
  /** URL of the container, without a slash at the end. */
  readonly containerUrl: string;
}

/**
 * What the engine needs to know to reach the configured store. Configuration wins over the environment.
 * @throws StorageError `config` for what cannot work whatever the store answers
 */
export function objectStoreTarget(config: StorageConfig, env: Environment = process.env): ObjectStoreTarget {
  if (config.type === 'InMemory') {
    return { url: 'memory:///', path: 'data', env: {}, description: 'memory', isRemote: false };
  }
  const { path } = config;
  const store: ObjectStoreConfig = config.object_store;
  switch (store.type) {
    case 'InMemory':
      return { url: 'memory:///', path, env: {}, description: 'memory', isRemote: false };
    case 'Local': {
      const folder = resolve(store.path);
      return {
        url: pathToFileURL(folder).href,
        path,
        env: {},
        folder,
        description: `folder ${folder}/${path}`,
        isRemote: false,
      };
    }
    case 'Aws':
      return awsTarget(store, path, env);
    case 'Gcp':
      return {
        url: `gs://${store.bucket}`,
        path,
        env: assignments(env, { GOOGLE_BUCKET: undefined, GOOGLE_BUCKET_NAME: undefined }),
        description: `gs://${store.bucket}/${path}`,
        isRemote: true,
      };
    case 'Azure': {
      const account = store.account ?? first(env, 'AZURE_STORAGE_ACCOUNT_NAME');
      const emulator = isTrue(first(env, 'AZURE_STORAGE_USE_EMULATOR'));
      if (account === undefined && !emulator) {
        throw wrong('account', "object_store: expected 'account' or AZURE_STORAGE_ACCOUNT_NAME for type Azure");
      }
      const configured = store.endpoint ?? first(env, 'AZURE_STORAGE_ENDPOINT', 'AZURE_ENDPOINT');
      const allowHttp = store.allow_http ?? isTrue(first(env, 'AZURE_ALLOW_HTTP'));
      if (configured !== undefined) requireHttps(configured, allowHttp, 'AZURE_ALLOW_HTTP');
      const standard = emulator ? undefined : `https://${account}.blob.core.windows.net`;
      const endpoint = configured ?? standard;
      return {
        url: `az://${store.container}`,
        path,
        env: assignments(env, {
          AZURE_STORAGE_ACCOUNT_NAME: account,
          AZURE_STORAGE_ENDPOINT: configured,
          AZURE_ENDPOINT: undefined,
          AZURE_CONTAINER_NAME: undefined,
          AZURE_ALLOW_HTTP: allowHttp || emulator ? 'true' : 'false',
        }),
        description: `az://${store.container}/${path}${endpoint === undefined ? '' : ` at ${endpoint}`}`,
        ...(endpoint !== undefined && { endpoint }),
        ...(endpoint !== undefined &&
          account !== undefined && {
            azure: { account, containerUrl: `${endpoint.replace(/\/+$/, '')}/${store.container}` },
          }),
        isRemote: true,
      };
    }
  }
}

function awsTarget(store: AwsObjectStoreConfig, path: string, env: Environment): ObjectStoreTarget {
  const { bucket } = store;
  const region = store.region ?? first(env, 'AWS_REGION', 'AWS_DEFAULT_REGION') ?? 'us-east-1';
  const endpoint = store.endpoint ?? first(env, 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT');
  const allowHttp = store.allow_http ?? isTrue(first(env, 'AWS_ALLOW_HTTP'));
  const virtualHosted = store.virtual_hosted_style ?? isTrue(first(env, 'AWS_VIRTUAL_HOSTED_STYLE_REQUEST'));
  if (endpoint !== undefined) requireHttps(endpoint, allowHttp, 'AWS_ALLOW_HTTP');
  requirePair(env);
  const base = (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '');
  const bucketUrl = virtualHosted ? withBucketHost(base, bucket) : `${base}/${bucket}`;
  const engineEndpoint = virtualHosted ? bucketUrl : base;
  return {
    url: `s3://${bucket}`,
    path,
    env: assignments(env, {
      AWS_ACCESS_KEY_ID: first(env, 'AWS_ACCESS_KEY_ID'),
      AWS_SECRET_ACCESS_KEY: first(env, 'AWS_SECRET_ACCESS_KEY'),
      AWS_SESSION_TOKEN: first(env, 'AWS_SESSION_TOKEN', 'AWS_TOKEN'),
      AWS_TOKEN: undefined,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: undefined,
      AWS_ENDPOINT: endpoint === undefined ? undefined : engineEndpoint,
      AWS_ENDPOINT_URL: undefined,
      AWS_ALLOW_HTTP: allowHttp ? 'true' : 'false',
      AWS_VIRTUAL_HOSTED_STYLE_REQUEST: virtualHosted ? 'true' : 'false',
      AWS_BUCKET: undefined,
      AWS_BUCKET_NAME: undefined,
      // Fencing stands on conditional puts.
      AWS_CONDITIONAL_PUT: 'etag',
    }),
    description: `s3://${bucket}/${path}${endpoint === undefined ? ` in ${region}` : ` at ${endpoint}`}`,
    endpoint: base,
    aws: { bucket, region, bucketUrl },
    isRemote: true,
  };
}

/**
 * Names that the engine's object store also understands without their prefix, in any case. A `TIMEOUT=30` or `TOKEN=…`
 * that is meant for something else would change the store or break it, so they are hidden from it.
 */
const bareNames = new Set(
  `access_key access_key_id account_key account_name allow_http allow_invalid_certificates authority_id bucket
  bucket_name checksum_algorithm client_id client_secret conditional_put connect_timeout container_name
  copy_if_not_exists default_content_type default_region disable_tagging endpoint endpoint_url http1_only http2_only
  http2_keep_alive_interval http2_keep_alive_timeout http2_keep_alive_while_idle http2_max_frame_size
  imdsv1_fallback master_key metadata_endpoint object_id pool_idle_timeout pool_max_idle_per_host
  proxy_ca_certificate proxy_excludes proxy_url randomize_addresses region request_payer s3_express sas_key sas_token
  secret_access_key service_account service_account_key service_account_path session_token skip_signature
  tenant_id timeout token unsigned_payload use_emulator user_agent virtual_hosted_style_request`.split(/\s+/),
);

const providerName = /^(?:aws|azure|azurite|google|gce|msi|identity)_/i;

/** What to set: `set`, and the providers' own variables; and what to hide: aliases, other spellings, empty variables. */
function assignments(env: Environment, set: Environment): Environment {
  const assigned: Record<string, string | undefined> = {};
  const managed = new Set(Object.keys(set).map((name) => name.toLowerCase()));
  for (const name of [...Object.keys(process.env), ...Object.keys(env)]) {
    const lower = name.toLowerCase();
    if (bareNames.has(lower) || managed.has(lower)) assigned[name] = undefined;
    else if (providerName.test(name)) assigned[name] = env[name] || undefined;
  }
  return { ...assigned, ...set };
}

function first(env: Environment, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) return value;
  }
  return undefined;
}

function isTrue(value: string | undefined): boolean {
  return /^(?:1|true|on|yes|y)$/i.test(value ?? '');
}

function requireHttps(endpoint: string, allowHttp: boolean, variable: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw wrong(
      'endpoint',
      `object_store: expected an http or https URL without a user name as endpoint, found '${withoutUser(endpoint)}'`,
    );
  }
  if (url.protocol === 'http:' && !allowHttp) {
    throw wrong(
      'plain_http',
      `object_store: ${endpoint} is plain HTTP: everything, keys included, would travel unencrypted. ` +
        `Use https, or permit it with 'allow_http: true' or ${variable}=true`,
    );
  }
}

function requirePair(env: Environment): void {
  const id = first(env, 'AWS_ACCESS_KEY_ID');
  const secret = first(env, 'AWS_SECRET_ACCESS_KEY');
  if ((id === undefined) === (secret === undefined)) return;
  const [there, absent] =
    id === undefined ? ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'] : ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
  throw wrong('credentials', `object_store: ${there} is set, but ${absent} is not; expected both or none`);
}

function withBucketHost(endpoint: string, bucket: string): string {
  const url = new URL(endpoint);
  if (url.hostname.startsWith(`${bucket}.`)) return endpoint;
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) {
    throw wrong('endpoint', `object_store: virtual-hosted style needs a host name in the endpoint, found ${url.host}`);
  }
  return `${url.protocol}//${bucket}.${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

function withoutUser(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, '//');
}

function wrong(reason: string, message: string): StorageError {
  return new StorageError('config', message, { details: { reason } });
}
