import { dirname } from 'node:path';
import {
  availableMemoryBytes,
  byteSize,
  ConfigError,
  defaultBodyMemoryBytes,
  durationMs,
  type LoadedConfig,
  openYamlConfig,
  withProblems,
} from '@opendata/server';
import {
  type StorageConfig,
  settingsFileProblems,
  storageConfigSchema,
  storagePathSchema,
  withSettingsBeside,
} from '@opendata/storage';
import { z } from 'zod';
import { type OtlpSettings, otlpConfigSchema, resolveOtlpSettings } from '../otlp/settings.ts';
import { recordOf } from './check-http-client.ts';
import { checkScrapeConfigs } from './check-scrape-configs.ts';
import { DEFAULT_GRACE_MS, DEFAULT_SERIES_IDLE_MS, DEFAULT_WINDOW_MS } from './defaults.ts';
import { globalConfigSchema, resolveScrapeJob, type ScrapeJob, scrapeConfigsSchema } from './scrape-config.ts';
import { loadScrapeConfigFiles, scrapeConfigFilesSchema } from './scrape-config-files.ts';
import { remoteWriteError, storageRefusals, unsupportedKeys } from './unsupported.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DEFAULT_REFRESH_MS = 1000;
/** Share of the machine's memory, or the container's, that the head may take. */
const HEAD_MEMORY_SHARE = 0.5;

export type RemoteWriteAck = 'durable' | 'memory';

/** The whole configuration, every default filled in. */
export interface TimeSeriesConfig {
  readonly scrapeJobs: readonly ScrapeJob[];
  readonly storage: StorageConfig;
  /** No `storage:` section says where. */
  readonly isStorageDefault: boolean;
  /** ms; `undefined`: the settings file's `default_ttl`, else for ever. */
  readonly retentionMs: number | undefined;
  /** How long scraped samples may wait before they are made durable, in ms. */
  readonly flushIntervalMs: number;
  readonly remoteWriteAck: RemoteWriteAck;
  /** Most bytes of a remote-write request, before and after decompression. */
  readonly remoteWriteBodyLimitBytes: number;
  /** Most bytes of request bodies that are handled at once. */
  readonly bodyMemoryBytes: number;
  readonly headBudgetBytes: number;
  /** Most bytes of sealed blocks; `undefined`: no limit. */
  readonly retentionBytes: number | undefined;
  /** Length of a time window, in ms. */
  readonly windowMs: number;
  /** How long after its end a window is kept in memory for late samples, in ms. */
  readonly graceMs: number;
  /** Most series in memory; `undefined`: as many as the memory budget allows. */
  readonly maxSeries: number | undefined;
  /** How long a series without samples in memory is remembered, in ms. */
  readonly seriesIdleMs: number;
  readonly otlp: OtlpSettings;
  /** Added to what leaves this server. */
  readonly externalLabels: Readonly<Record<string, string>>;
  /** A replica of a database that another process writes. */
  readonly isReadOnly: boolean;
  /** How often a replica looks for changes, in ms. */
  readonly refreshMs: number;
  /** Databases that a replica reads together with that of `storage`. */
  readonly replicaPaths: readonly string[];
}

/** Where everything is kept unless the configuration says otherwise. */
const DEFAULT_STORAGE: StorageConfig = {
  type: 'SlateDb',
  path: 'timeseries',
  object_store: { type: 'Local', path: '.data' },
};

/** The configuration file of `opendata-timeseries`. */
export const timeSeriesConfigSchema = z
  .strictObject({
    global: globalConfigSchema.default({}).describe('Defaults of all jobs'),
    scrape_configs: scrapeConfigsSchema.default([]).describe('What is scraped, job by job'),
    scrape_config_files: scrapeConfigFilesSchema.describe(
      'Files with further `scrape_configs`; `*` may stand in the name',
    ),
    storage: storageConfigSchema.optional().describe('Where everything is kept. Default: the folder `.data`'),
    retention: durationMs({ minMs: 60_000 })
      .optional()
      .describe('How long samples are kept. Default: `default_ttl` of the settings file, else for ever'),
    retention_size: byteSize({ minBytes: MIB })
      .optional()
      .describe('Most bytes of sealed blocks: over it the oldest blocks go, whatever their age. Default: no limit'),
    flush_interval_secs: z
      .number({ error: 'expected a number of seconds' })
      .min(0.1, { error: 'expected at least 0.1 seconds' })
      .max(300, { error: 'expected at most 300 seconds' })
      .default(5)
      .meta({ unit: 's' })
      .describe('Scraped samples are in the object store after this many seconds at the latest'),
    remote_write: z
      .strictObject(
        {
          ack: z
            .enum(['durable', 'memory'], { error: "expected 'durable' or 'memory'" })
            .default('durable')
            .describe('When a remote write is acknowledged: once it is in the object store, or once it is in memory'),
          body_size_limit: byteSize({ minBytes: 1024 })
            .default(64 * MIB)
            .describe('Larger requests, compressed or not, are answered 413'),
        },
        { error: ({ input }) => remoteWriteError(input) },
      )
      .default({ ack: 'durable', body_size_limit: 64 * MIB })
      .describe('What is received by remote write and OTLP'),
    head: z
      .strictObject({
        memory_budget: byteSize({ minBytes: 16 * MIB })
          .optional()
          .describe(
            'For series, samples and what is kept decoded of blocks; writes that need more are answered 503. Default: half of the memory of the machine or container',
          ),
        window: durationMs({ minMs: 1000 })
          .refine((windowMs) => DAY_MS % windowMs === 0, { error: 'expected a part of a day, such as 30m, 1h or 2h' })
          .default(DEFAULT_WINDOW_MS)
          .describe('Length of a time window, a part of a day'),
        late_grace: durationMs({ minMs: 0 })
          .default(DEFAULT_GRACE_MS)
          .describe('How long after its end a window stays in memory for late samples'),
        max_series: z
          .int({ error: 'expected a whole number of series' })
          .min(1)
          .optional()
          .describe(
            'Most series in memory: requests that bring more are answered 503. Default: as many as the budget allows',
          ),
        series_idle: durationMs({ minMs: 1000, maxMs: DAY_MS })
          .default(DEFAULT_SERIES_IDLE_MS)
          .describe('How long a series without samples in memory is remembered'),
      })
      .prefault({})
      .describe('What is in memory: the recent samples'),
    http: z
      .strictObject({
        body_memory_limit: byteSize({ minBytes: MIB })
          .optional()
          .describe(
            'For the bodies of all requests that are being read or handled, beyond 64 KiB each; a request for whose body there is no room is answered 503. Default: an eighth of the memory of the machine or container, at least 64 MiB',
          ),
      })
      .prefault({})
      .describe('Limits of requests'),
    otlp: otlpConfigSchema.prefault({}).describe("How OTLP's metrics become series"),
    ...unsupportedKeys,
    read_only: z
      .boolean({ error: 'expected true or false' })
      .default(false)
      .describe('Follow a database that another server writes, and never write'),
    replica: z
      .strictObject({
        refresh_interval: durationMs({ minMs: 50, maxMs: HOUR_MS })
          .default(DEFAULT_REFRESH_MS)
          .describe('How often what the writer has made durable is looked for'),
        paths: z
          .array(storagePathSchema)
          .default([])
          .describe('Paths of the databases of further writers on the same store, read as one with `storage.path`'),
      })
      .default({ refresh_interval: DEFAULT_REFRESH_MS, paths: [] })
      .describe('With `read_only`'),
  })
  .check(fileCheck())
  .superRefine(({ read_only: isReadOnly, storage, replica: { paths } }, context) => {
    const fail = (index: number, message: string) =>
      context.addIssue({ code: 'custom', path: ['replica', 'paths', index], message });
    if (paths.length === 0) return;
    if (!isReadOnly) return fail(0, "expected together with 'read_only: true' only");
    if (storage?.type !== 'SlateDb') return fail(0, "expected together with a 'storage' section of type SlateDb");
    const seen = new Set([storage.path]);
    for (const [i, path] of paths.entries()) {
      if (seen.has(path)) fail(i, `'${path}' is read already`);
      seen.add(path);
    }
  });

/** Runs whatever else is wrong, so that a file's faults are all told at once. */
function fileCheck(): z.core.$ZodCheck<unknown> {
  const check = z.check<unknown>((payload) => {
    checkScrapeConfigs(payload.value, (path, message) => {
      payload.issues.push({ code: 'custom', input: payload.value, path: [...path], message });
    });
    for (const [key, message] of storageRefusals(recordOf(payload.value)['storage'])) {
      payload.issues.push({ code: 'custom', input: payload.value, path: ['storage', key], message });
    }
  });
  check._zod.def.when = () => true;
  return check;
}

/**
 * Reads the configuration file.
 * @throws ConfigError with every problem found
 */
export function loadConfig(file: string): TimeSeriesConfig {
  const read = () => {
    const { value, errorAt } = openYamlConfig(file, timeSeriesConfigSchema);
    return resolveConfig(value, dirname(file), errorAt);
  };
  const config = withProblems(read, () => settingsFileProblems(file));
  return { ...config, storage: withSettingsBeside(config.storage, file) };
}

/**
 * What runs without a configuration file: a folder, and a scrape of the server itself, unless the system is to choose
 * its port (0).
 */
export function defaultConfig(port: number): TimeSeriesConfig {
  const itself = {
    job_name: 'opendata-timeseries',
    scrape_interval: '5s',
    scrape_timeout: '5s',
    static_configs: [{ targets: [`localhost:${port}`] }],
  };
  const file = timeSeriesConfigSchema.parse({ scrape_configs: port === 0 ? [] : [itself] });
  return resolveConfig(file, '', (_path, message) => new ConfigError([{ file: '', path: '', message }]));
}

/** @param folder where relative paths begin */
function resolveConfig(
  file: z.infer<typeof timeSeriesConfigSchema>,
  folder: string,
  errorAt: LoadedConfig<unknown>['errorAt'],
): TimeSeriesConfig {
  const jobs = file.scrape_configs.map((job) => resolveScrapeJob(file.global, job, folder));
  const names = jobs.map(({ jobName }) => jobName);
  const further = loadScrapeConfigFiles(file.scrape_config_files, folder, file.global, names, (index, message) =>
    errorAt(['scrape_config_files', index], message),
  );
  return {
    scrapeJobs: [...jobs, ...further],
    storage: file.storage ?? DEFAULT_STORAGE,
    isStorageDefault: file.storage === undefined,
    retentionMs: file.retention,
    flushIntervalMs: file.flush_interval_secs * 1000,
    remoteWriteAck: file.remote_write.ack,
    remoteWriteBodyLimitBytes: file.remote_write.body_size_limit,
    bodyMemoryBytes: file.http.body_memory_limit ?? defaultBodyMemoryBytes(),
    headBudgetBytes: file.head.memory_budget ?? defaultHeadBudgetBytes(),
    retentionBytes: file.retention_size,
    windowMs: file.head.window,
    graceMs: file.head.late_grace,
    maxSeries: file.head.max_series,
    seriesIdleMs: file.head.series_idle,
    otlp: resolveOtlpSettings(file.otlp),
    externalLabels: expandVariables(file.global.external_labels ?? {}),
    isReadOnly: file.read_only,
    refreshMs: file.replica.refresh_interval,
    replicaPaths: file.replica.paths,
  };
}

/** `$NAME` and `${NAME}` of the environment in the values, nothing for one that is not set; `$$` is a `$`. */
function expandVariables(labels: Readonly<Record<string, string>>): Record<string, string> {
  const expand = (value: string) =>
    value.replace(/\$(?:\$|\{([^{}]+)\}|(\w+))/g, (whole, braced?: string, plain?: string) =>
      whole === '$$' ? '$' : (process.env[braced ?? plain!] ?? ''),
    );
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, expand(value)]));
}

function defaultHeadBudgetBytes(): number {
  return Math.floor(availableMemoryBytes() * HEAD_MEMORY_SHARE);
}
