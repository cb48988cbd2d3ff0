import { z } from 'zod';

/**
 * The `storage:` section of the operators' guide. Every key is explained in `docs/configuration-storage.md`.
 *
 * An unknown key is an error. The schema changes nothing that an operator wrote except the slashes around `path`, so a
 * `StorageConfig` reads like the YAML it came from; {@link resolveTuning} has the defaults.
 */

const expected = (what: string) => ({ error: `expected ${what}` });

const text = (what: string) => z.string(expected(what)).min(1, expected(what));
const flag = () => z.boolean(expected('true or false'));
const wholeNumber = (what: string, min: number, max: number = Number.MAX_SAFE_INTEGER) => {
  const error = expected(what);
  return z.int(error).min(min, error).max(max, error);
};
const httpUrl = () =>
  text("a URL such as 'https://minio.example.com:9000'").refine(isHttpUrl, {
    error: "expected a URL such as 'https://minio.example.com:9000' (http or https, without user name and query)",
  });
const bucketName = (what: string) =>
  text(what)
    .regex(/^[A-Za-z0-9._-]+$/, {
      error: `expected ${what}: 2 to 222 letters, digits, '.', '_' and '-', a letter or digit first (no URL and no path; use 'path' for a prefix)`,
    })
    .regex(/^.{3,222}$/, { error: `expected ${what}, of at least 3 characters and at most 222` })
    .regex(/^[A-Za-z0-9]/, { error: `expected ${what}, which begins with a letter or a digit` });

/** A mapping with no other keys than these. */
function mapping<T extends z.ZodRawShape>(shape: T) {
  const known = `expected one of ${Object.keys(shape).join(', ')}`;
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : undefined) });
}

const inMemoryStore = mapping({ type: z.literal('InMemory') });

const localStore = mapping({
  type: z.literal('Local'),
  /** Folder, created on demand. A relative one starts at the working directory of the process. */
  path: text('the path of a folder'),
  /** Bring every commit to the disk before it is acknowledged. Default false: safe against a crash of the process only. */
  fsync: flag().optional(),
});

const awsStore = mapping({
  type: z.literal('Aws'),
  bucket: bucketName('the name of a bucket'),
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, then us-east-1. */
  region: text("a region such as 'us-west-2'").optional(),
  /** S3-compatible stores. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT`, then Amazon's own. */
  endpoint: httpUrl().optional(),
  /** Permit an `http://` endpoint. Default: `AWS_ALLOW_HTTP`, then false. */
  allow_http: flag().optional(),
  /** `bucket.host` instead of `host/bucket`. Default: `AWS_VIRTUAL_HOSTED_STYLE_REQUEST`, then false. */
  virtual_hosted_style: flag().optional(),
});

const gcpStore = mapping({
  type: z.literal('Gcp'),
  bucket: bucketName('the name of a bucket'),
});

const azureStore = mapping({
  type: z.literal('Azure'),
  container: bucketName('the name of a container'),
  /** Default: `AZURE_STORAGE_ACCOUNT_NAME`. */
  account: text('the name of a storage account').optional(),
  /** Another blob service than `https://<account>.blob.core.windows.net`, such as Azurite's. */
  endpoint: httpUrl().optional(),
  /** Permit an `http://` endpoint. Default: `AZURE_ALLOW_HTTP`, then false. */
  allow_http: flag().optional(),
});

const objectStoreSchema = z.discriminatedUnion('type', [inMemoryStore, localStore, awsStore, gcpStore, azureStore], {
  error: unionError('object_store', ['InMemory', 'Local', 'Aws', 'Gcp', 'Azure']),
});

const tuning = {
  /** SlateDB settings file (YAML or JSON). A relative path starts where the configuration file is that names it. */
  settings_path: text('the path of a SlateDB settings file').optional(),
  /** Least time between two commits, in ms. Default 100 on Aws, Gcp and Azure, 0 on Local and InMemory. */
  commit_interval_ms: wholeNumber('a whole number of milliseconds from 0 to 60000', 0, 60_000).optional(),
  /** How long a write waits for its commit before it fails as unavailable, in ms. Default 10000. */
  commit_timeout_ms: wholeNumber('a whole number of milliseconds from 100 to 600000', 100, 600_000).optional(),
  /** Upper bound of the cache of decoded pages, in bytes. Default 134217728 (128 MiB); 0 turns it off. */
  page_cache_bytes: wholeNumber('a whole number of bytes, 0 or more', 0).optional(),
};

const slateDb = mapping({
  type: z.literal('SlateDb'),
  /** Prefix of every object of this database inside the store. One database a path. */
  path: z.string(expected("a prefix such as 'timeseries'")).transform(trimPath),
  object_store: objectStoreSchema,
  ...tuning,
});

const slateDbOnly = z.undefined({ error: 'expected with type SlateDb only: type InMemory keeps nothing' }).optional();

const inMemory = mapping({ type: z.literal('InMemory'), path: slateDbOnly, object_store: slateDbOnly, ...tuning });

/** The `storage:` section: usable alone or as a field of a larger schema. */
export const storageConfigSchema = z.discriminatedUnion('type', [slateDb, inMemory], {
  error: unionError('storage', ['SlateDb', 'InMemory']),
});

export type StorageConfig = z.infer<typeof storageConfigSchema>;
export type SlateDbStorageConfig = Extract<StorageConfig, { type: 'SlateDb' }>;
export type ObjectStoreConfig = z.infer<typeof objectStoreSchema>;
export type LocalObjectStoreConfig = Extract<ObjectStoreConfig, { type: 'Local' }>;
export type AwsObjectStoreConfig = Extract<ObjectStoreConfig, { type: 'Aws' }>;

/** Every key of the section with the built-in default where the operator wrote none. */
export interface ResolvedTuning {
  readonly commitIntervalMs: number;
  readonly commitTimeoutMs: number;
  readonly pageCacheBytes: number;
}

export const storageDefaults = {
  remoteCommitIntervalMs: 100,
  localCommitIntervalMs: 0,
  commitTimeoutMs: 10_000,
  pageCacheBytes: 128 * 1024 * 1024,
} as const;

export function resolveTuning(config: StorageConfig): ResolvedTuning {
  const remote = config.type === 'SlateDb' && !['InMemory', 'Local'].includes(config.object_store.type);
  return {
    commitIntervalMs:
      config.commit_interval_ms ??
      (remote ? storageDefaults.remoteCommitIntervalMs : storageDefaults.localCommitIntervalMs),
    commitTimeoutMs: config.commit_timeout_ms ?? storageDefaults.commitTimeoutMs,
    pageCacheBytes: config.page_cache_bytes ?? storageDefaults.pageCacheBytes,
  };
}

function unionError(name: string, types: readonly string[]) {
  return (issue: { readonly code?: string | undefined; readonly input?: unknown }): string | undefined => {
    if (issue.code === 'invalid_type') return `expected the ${name} section (a mapping with a 'type')`;
    return issue.code === 'invalid_union' ? `expected one of ${types.join(', ')}` : undefined;
  };
}

function trimPath(path: string, context: z.RefinementCtx<string>): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  const bad = trimmed.split('/').some((part) => part === '' || part === '.' || part === '..');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (bad || /[\u0000-\u001f\u007f\\?#%*]/.test(trimmed)) {
    context.addIssue({
      code: 'custom',
      message: "expected a prefix such as 'timeseries' or 'prod/timeseries' (no empty part, '.', '..' or \\ ? # % *)",
    });
  }
  return trimmed;
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    (url.protocol === 'http:' || url.protocol === 'https:')
  );
}
