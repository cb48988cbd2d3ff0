import { z } from 'zod';
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
    .optional();
};
const integer = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) => {
  const error = `expected ${what}, a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).optional();
};
const bytes = (min: number) => integer('bytes', min);
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
const collection = () => section({ interval: duration(1), min_age: duration(0) }).optional();
const schedulerNumber = (what: string, min: number) =>
  z
    .union([z.number(), z.string()], { error: `expected ${what}` })
    .refine((value) => Number(value) >= min && String(value).trim() !== '', {
      error: `expected ${what}, at least ${min}`,
    })
    .transform(String)
    .optional();

const settingsSchema = section({
  default_ttl: integer('milliseconds', 1).nullable(),
  flush_interval: duration(1),
  wal_enabled: z.literal(true, { error: 'expected true: acknowledged writes live in the write-ahead log' }).optional(),
  manifest_poll_interval: duration(1),
  manifest_update_timeout: duration(1),
  min_filter_keys: integer('a number of keys', 0, u32),
  filter_bits_per_key: integer('bits', 1, u32),
  l0_sst_size_bytes: bytes(4096),
  l0_max_ssts: integer('a number of files', 1),
  l0_flush_parallelism: integer('a number of uploads', 1),
  max_unflushed_bytes: bytes(65_536),
  compression_codec: oneOf(['Snappy', 'Zlib', 'Lz4', 'Zstd']).nullable().optional(),
  compactor_options: section({
    poll_interval: duration(1),
    manifest_update_timeout: duration(1),
    max_sst_size: bytes(4096),
    max_concurrent_compactions: integer('a number of compactions', 1),
    max_fetch_tasks: integer('a number of fetches', 1),
    scheduler_options: section({
      min_compaction_sources: schedulerNumber('a number of files', 2),
      max_compaction_sources: schedulerNumber('a number of files', 2),
      include_size_threshold: schedulerNumber('a ratio', 1),
    }).optional(),
  }).optional(),
  garbage_collector_options: section({
    manifest_options: collection(),
    wal_options: collection(),
    compacted_options: collection(),
    compactions_options: collection(),
  }).optional(),
  object_store_cache_options: section({
    root_folder: z
      .string({ error: 'expected the path of a folder' })
      .min(1, 'expected the path of a folder')
      .nullable()
      .optional(),
    max_cache_size_bytes: bytes(0).nullable(),
    part_size_bytes: bytes(1024).refine((size) => size === undefined || size % 1024 === 0, {
      error: 'expected a multiple of 1024 bytes',
    }),
    cache_puts: flag(),
    preload_disk_cache_on_startup: oneOf(['L0Sst', 'AllSst']).nullable().optional(),
    scan_interval: duration(1),
  }).optional(),
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
  garbage_collector_options: { wal_options: { interval: '5s', min_age: '10s' } },
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
  const { default_ttl, max_unflushed_bytes, ...rest } = file;
  const { engine, remoteEngine } = slateSettingsDefaults;
  const ofStore = options.isRemote === true ? remoteEngine : options.isFolder === true ? folderDefaults : {};
  const defaults = overlaid(overlaid(engine, ofStore), { l0_sst_size_bytes: options.tableBytes });
  return {
    defaultTtlMs: default_ttl ?? undefined,
    maxUnflushedBytes: max_unflushed_bytes ?? slateSettingsDefaults.maxUnflushedBytes,
    cacheFolder: rest.object_store_cache_options?.root_folder ?? undefined,
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
