import { z } from 'zod';
import type { CachePreload } from './cache-warm-up.ts';
import { readConfigFile } from './config-file.ts';

/**
 * The SlateDB settings file of the operators' guide. SlateDB itself ignores unknown keys and missing files and takes
 * nonsense such as zero sizes, so the file is read and checked here. Every key is explained in
 * `docs/configuration-storage.md`.
 */

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const durationPattern = /^\s*(?:\d+(?:ms|s|m|h|d|w)\s*)+$/;

/** Milliseconds of a duration such as `100ms`, `60s` or `1h30m`; undefined for anything else. */
export function slateDurationMs(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    totalMs += Number(count) * unitMs[unit as keyof typeof unitMs];
  }
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

const duration = (minMs: number) => {
  const error = `expected a duration in quotes such as '100ms', '60s' or '1h30m'${minMs > 0 ? `, at least ${minMs}ms` : ''}`;
  return z
    .string({ error })
    .refine((text) => (slateDurationMs(text) ?? -1) >= minMs, { error })
    .transform((text) => `${slateDurationMs(text)!}ms`)
    .optional()
    .meta({ unit: 'duration' });
};
const integer = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) => {
  const error = `expected ${what}, a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).optional();
};
const bytes = (min: number) => integer('bytes', min).meta({ unit: 'bytes' });
const flag = () => z.boolean({ error: 'expected true or false' }).optional();
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` });

function section<T extends z.ZodRawShape>(shape: T) {
  const known = `expected one of ${Object.keys(shape).join(', ')}`;
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? known : 'expected a mapping'),
  });
}

const u32 = 2 ** 32 - 1;
const collection = () =>
  section({
    interval: duration(1).describe('How often garbage of this kind is looked for: a list request each time'),
    min_age: duration(0).describe(
      'How old garbage must be to be deleted: readers of an old state need it for that long',
    ),
  }).optional();
const schedulerNumber = (what: string, min: number) =>
  z
    .union([z.number(), z.string()], { error: `expected ${what}` })
    .refine((value) => Number(value) >= min && String(value).trim() !== '', {
      error: `expected ${what}, at least ${min}`,
    })
    .transform(String)
    .optional();

const settingsSchema = section({
  default_ttl: integer('milliseconds', 1)
    .meta({ unit: 'ms' })
    .nullable()
    .describe('How long data is kept; older data is not returned any more and is deleted. Default: for ever'),
  flush_interval: duration(1).describe('A backstop only: commits do not wait for it'),
  wal_enabled: z
    .literal(true, { error: 'expected true: acknowledged writes live in the write-ahead log' })
    .optional()
    .describe('Acknowledged writes live in the write-ahead log: it cannot be off'),
  manifest_poll_interval: duration(1).describe(
    'How soon an idle server notices that another one took its database; a list request each time. `5s` on Aws, Gcp and Azure',
  ),
  manifest_update_timeout: duration(1).describe('How long an update of the manifest may take (default `300s`)'),
  min_filter_keys: integer('a number of keys', 0, u32).describe(
    'Sorted files with fewer keys have no Bloom filter (default 1000)',
  ),
  filter_bits_per_key: integer('bits', 1, u32).describe('Size of the Bloom filters (default 10)'),
  l0_sst_size_bytes: bytes(4096).describe(
    'Size from which the table in memory is written out as a sorted file; opendata-timeseries in a folder takes a 32nd of the memory by itself, opendata-log 32 MiB',
  ),
  l0_max_ssts: integer('a number of files', 1).describe(
    'How many such files may wait for compaction before writing slows down',
  ),
  l0_flush_parallelism: integer('a number of uploads', 1).describe('How many of them are uploaded at once (default 4)'),
  max_unflushed_bytes: bytes(65_536).describe(
    'Budget of bytes that were accepted and are not durable yet; further writes are refused',
  ),
  compression_codec: oneOf(['Snappy', 'Zlib', 'Lz4', 'Zstd'])
    .nullable()
    .optional()
    .describe('Compression of sorted files; pages are compressed already. Default: none'),
  compactor_options: section({
    poll_interval: duration(1).describe(
      'How often the compactor looks for work: two list requests each time. `5s` on Aws, Gcp and Azure',
    ),
    manifest_update_timeout: duration(1).describe(
      'How long an update of the manifest by the compactor may take (default `300s`)',
    ),
    max_sst_size: bytes(4096).describe('Largest file that a compaction writes (default 268435456)'),
    max_concurrent_compactions: integer('a number of compactions', 1).describe(
      'How many compactions run at once (default 4)',
    ),
    max_fetch_tasks: integer('a number of fetches', 1).describe(
      'How many fetches a compaction has under way (default 4)',
    ),
    scheduler_options: section({
      min_compaction_sources: schedulerNumber('a number of files', 2).describe(
        'Fewest files to compact together (default 4)',
      ),
      max_compaction_sources: schedulerNumber('a number of files', 2).describe(
        'Most files to compact together (default 8)',
      ),
      include_size_threshold: schedulerNumber('a ratio', 1).describe(
        'How much larger the next file may be to be taken along (default 4.0)',
      ),
    })
      .optional()
      .describe('What is compacted together'),
  })
    .optional()
    .describe('How sorted files are put together in the background'),
  garbage_collector_options: section({
    manifest_options: collection().describe('Old manifests'),
    wal_options: collection().describe('Files of the write-ahead log: `60s` and `60s`, in a folder `1s` and `3s`'),
    compacted_options: collection().describe('Sorted files that nothing refers to'),
    compactions_options: collection().describe('Records of compactions'),
  })
    .optional()
    .describe('How what is not needed any more is deleted. Defaults: every `60s`, after `300s`'),
  object_store_cache_options: section({
    root_folder: z
      .string({ error: 'expected the path of a folder' })
      .min(1, 'expected the path of a folder')
      .nullable()
      .optional()
      .describe('Folder of the disk cache, on an SSD; without it there is none'),
    max_cache_size_bytes: bytes(0)
      .nullable()
      .describe('Upper bound of the disk cache (default 17179869184); nine tenths of its volume at most'),
    part_size_bytes: bytes(1024)
      .refine((size) => size === undefined || size % 1024 === 0, {
        error: 'expected a multiple of 1024 bytes',
      })
      .describe('Unit of the cache, a multiple of 1024 (default 4194304)'),
    cache_puts: flag().describe('Put into the cache what was just written, too (default `false`)'),
    preload_disk_cache_on_startup: oneOf(['L0Sst', 'AllSst'])
      .nullable()
      .optional()
      .describe(
        'Fetch blocks into the cache at start, in the background: the newest, up to 1 GiB (`L0Sst`), or as many as fit, the newest first (`AllSst`). Default: none',
      ),
    scan_interval: duration(1).describe('How often the size of the cache folder is counted anew (default `3600s`)'),
  })
    .optional()
    .describe('The disk cache, for remote stores'),
});

/** The file as checked: every duration in ms (`'60000ms'`). */
export type SlateSettingsFile = z.infer<typeof settingsSchema>;

export interface SlateSettings {
  /** How long data is kept, in ms; undefined = for ever. Kept by our own retention, never handed to SlateDB. */
  readonly defaultTtlMs: number | undefined;
  /** Our budget of bytes that are written but not yet durable. SlateDB is given a limit that it never reaches. */
  readonly maxUnflushedBytes: number;
  /** Folder of the disk cache, if there is one. */
  readonly cacheFolder: string | undefined;
  /** What is fetched into the disk cache at start; done by us, in the background, never handed to SlateDB. */
  readonly cachePreload: CachePreload | undefined;
  /** What goes to SlateDB, nested as in the file, our defaults included; without the keys that are ours. */
  readonly engine: Readonly<Record<string, unknown>>;
}

/** What differs from SlateDB's own defaults where the file says nothing. */
export const slateSettingsDefaults = {
  maxUnflushedBytes: 128 * 1024 * 1024,
  engine: {
    flush_interval: '100ms',
    manifest_poll_interval: '1000ms',
    l0_sst_size_bytes: 16 * 1024 * 1024,
    l0_max_ssts: 32,
    compactor_options: { poll_interval: '500ms' },
    garbage_collector_options: { wal_options: { interval: '60s', min_age: '60s' } },
  },
  /** On stores that bill by request: each look of the compactor is two list requests, each of the writer is one. */
  remoteEngine: { manifest_poll_interval: '5000ms', compactor_options: { poll_interval: '5000ms' } },
} as const;

/**
 * What differs in a folder: listing it costs nothing, so the log is cleaned up often. Its files have to outlive the
 * second within which readers look at them.
 */
const folderDefaults = {
  garbage_collector_options: { wal_options: { interval: '1s', min_age: '3s' } },
} as const;

export interface SettingsOptions {
  /** Whether the store bills by request. */
  readonly isRemote?: boolean;
  /** Whether the store is a folder of this machine. */
  readonly isFolder?: boolean;
  /** Size of a table in memory where the file does not say it, in bytes. */
  readonly tableBytes?: number | undefined;
}

/**
 * Reads and checks a SlateDB settings file.
 * @param path relative to the working directory of the process; undefined for the defaults
 * @throws ConfigFileError that names every wrong place with line, column, key and what was expected
 */
export function loadSlateSettings(path: string | undefined, options: SettingsOptions = {}): SlateSettings {
  return slateSettings(path === undefined ? {} : readConfigFile(path, settingsSchema), options);
}

/** Settings of an already checked file. */
export function slateSettings(file: SlateSettingsFile, options: SettingsOptions = {}): SlateSettings {
  const { default_ttl, max_unflushed_bytes, ...others } = file;
  const { preload_disk_cache_on_startup: preload, ...cache } = others.object_store_cache_options ?? {};
  const rest =
    others.object_store_cache_options === undefined ? others : { ...others, object_store_cache_options: cache };
  const { engine, remoteEngine } = slateSettingsDefaults;
  const ofStore = options.isRemote === true ? remoteEngine : options.isFolder === true ? folderDefaults : {};
  const defaults = overlaid(overlaid(engine, ofStore), { l0_sst_size_bytes: options.tableBytes });
  return {
    defaultTtlMs: default_ttl ?? undefined,
    maxUnflushedBytes: max_unflushed_bytes ?? slateSettingsDefaults.maxUnflushedBytes,
    cacheFolder: cache.root_folder ?? undefined,
    cachePreload: preload ?? undefined,
    engine: overlaid(defaults, rest),
  };
}

/** Dotted paths and JSON values for `Settings.set` of SlateDB, in the order of the file. */
export function settingsAssignments(
  engine: Readonly<Record<string, unknown>>,
  prefix = '',
): [path: string, json: string][] {
  return Object.entries(engine).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    const path = prefix + name;
    const nested = typeof value === 'object' && value !== null;
    return nested ? settingsAssignments(value as Record<string, unknown>, `${path}.`) : [[path, JSON.stringify(value)]];
  });
}

/** Defaults with what the file sets over them, section by section. */
function overlaid(
  defaults: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const base = merged[name];
    merged[name] = isSection(base) && isSection(value) ? overlaid(base, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The schema itself, for documentation and for tests. */
export const slateSettingsSchema = settingsSchema;
