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

const inMemoryStore = mapping({ type: z.literal('InMemory').describe('For tests: nothing is kept') });

const localStore = mapping({
  type: z.literal('Local').describe('A folder of this machine'),
  path: text('the path of a folder').describe(
    'The folder, made if it is not there; a relative one starts at the working directory of the process',
  ),
  fsync: flag()
    .optional()
    .describe(
      'Bring every commit to the disk before it is acknowledged (default `false`): without it a write survives a crash of the process only',
    ),
});

const awsStore = mapping({
  type: z.literal('Aws').describe('Amazon S3 and stores that are compatible with it'),
  bucket: bucketName('the name of a bucket').describe('Name of the bucket: no URL, no prefix'),
  region: text("a region such as 'us-west-2'")
    .optional()
    .describe('Default: `AWS_REGION`, then `AWS_DEFAULT_REGION`, then `us-east-1`'),
  endpoint: httpUrl()
    .optional()
    .describe(
      "URL of another S3-compatible store. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT`, then Amazon's own",
    ),
  allow_http: flag().optional().describe('Permit an `http://` endpoint. Default: `AWS_ALLOW_HTTP`, then `false`'),
  virtual_hosted_style: flag()
    .optional()
    .describe(
      'Ask `https://bucket.host/key` instead of `https://host/bucket/key`. Default: `AWS_VIRTUAL_HOSTED_STYLE_REQUEST`, then `false`',
    ),
});

const gcpStore = mapping({
  type: z.literal('Gcp').describe('Google Cloud Storage'),
  bucket: bucketName('the name of a bucket').describe('Name of the bucket'),
});

const azureStore = mapping({
  type: z.literal('Azure').describe('Azure Blob Storage'),
  container: bucketName('the name of a container').describe('Name of the container'),
  account: text('the name of a storage account')
    .optional()
    .describe('Name of the storage account. Default: `AZURE_STORAGE_ACCOUNT_NAME`'),
  endpoint: httpUrl()
    .optional()
    .describe(
      'Another blob service. Default: `AZURE_STORAGE_ENDPOINT`, then `https://<account>.blob.core.windows.net`',
    ),
  allow_http: flag().optional().describe('Permit an `http://` endpoint. Default: `AZURE_ALLOW_HTTP`, then `false`'),
});

const objectStoreSchema = z.discriminatedUnion('type', [inMemoryStore, localStore, awsStore, gcpStore, azureStore], {
  error: unionError('object_store', ['InMemory', 'Local', 'Aws', 'Gcp', 'Azure']),
});

const tuning = {
  settings_path: text('the path of a SlateDB settings file')
    .optional()
    .describe('A SlateDB settings file, YAML or JSON; a relative path starts at the folder of the configuration file'),
  commit_interval_ms: wholeNumber('a whole number of milliseconds from 0 to 60000', 0, 60_000)
    .optional()
    .meta({ unit: 'ms' })
    .describe(
      'Least time between two commits, each of which is a PUT request. Default: 100 on Aws, Gcp and Azure, 0 elsewhere',
    ),
  commit_timeout_ms: wholeNumber('a whole number of milliseconds from 100 to 600000', 100, 600_000)
    .optional()
    .meta({ unit: 'ms' })
    .describe(
      'How long a write waits for its commit before it fails as unavailable (default 10000); it may still become durable later',
    ),
  page_cache_bytes: wholeNumber('a whole number of bytes, 0 or more', 0)
    .optional()
    .meta({ unit: 'bytes' })
    .describe('Memory for pages that queries have read (default 134217728); 0 turns the cache off'),
};

/** Where a database is inside its store. */
export const storagePathSchema = z.string(expected("a prefix such as 'timeseries'")).transform(trimPath);

const slateDb = mapping({
  type: z.literal('SlateDb').describe('Keep the data'),
  path: storagePathSchema.describe('Prefix of every object of this database inside the store: one database a path'),
  object_store: objectStoreSchema.describe('Where the data goes'),
  ...tuning,
});

const slateDbOnly = z.undefined({ error: 'expected with type SlateDb only: type InMemory keeps nothing' }).optional();

const inMemory = mapping({
  type: z.literal('InMemory').describe('Keep nothing: everything is gone when the process ends'),
  path: slateDbOnly,
  object_store: slateDbOnly,
  ...tuning,
});

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
