import {
  byteSize,
  ConfigError,
  type ConfigProblem,
  durationMs,
  isConfigError,
  openYamlConfig,
  withProblems,
} from '@opendata/server';
import {
  loadSlateSettings,
  type StorageConfig,
  settingsFileProblems,
  storageConfigSchema,
  withSettingsBeside,
} from '@opendata/storage';
import { z } from 'zod';
import { limitProblems, problemsAt } from './config-limits.ts';
import { logDefaults } from './db.ts';

const MiB = 1024 * 1024;

/** Positions in a head are 32 bits wide, and a segment must leave room for the batch that fills it. */
const largestSegmentBytes = 1024 * MiB;

const segmentation = z.strictObject({
  seal_byte_limit: byteSize({ minBytes: MiB, maxBytes: largestSegmentBytes })
    .default(logDefaults.sealBytes)
    .describe('A segment ends when its keys and values have this many bytes'),
  seal_interval: durationMs({ minMs: 1000 })
    .optional()
    .describe('A segment ends this long after its first record. Default: only its size ends it'),
});

const retention = z.strictObject({
  retention: durationMs({ minMs: 1000 })
    .optional()
    .describe(
      'A segment is removed this long after its last record; needs `seal_interval`. Default: `default_ttl` of the settings file, else never',
    ),
  retention_bytes: byteSize({ minBytes: MiB })
    .optional()
    .describe('The oldest segments are removed while the stored ones have more bytes. Default: no limit'),
  check_interval: durationMs({ minMs: 1000 })
    .default(logDefaults.checkIntervalMs)
    .describe('How often to look for what has expired'),
});

const http = z.strictObject({
  body_limit: byteSize({ minBytes: 1024, maxBytes: 256 * MiB })
    .default(32 * MiB)
    .describe('Larger request bodies are answered 413'),
  body_memory_limit: byteSize({ minBytes: MiB })
    .optional()
    .describe(
      'For the bodies of all requests that are being read or handled, beyond 64 KiB each; a request for whose body there is no room is answered 503. Default: an eighth of the memory of the machine or container, at least 64 MiB',
    ),
  max_batch_records: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(16_384)
    .describe('Append requests with more records are answered 413: a batch is taken in one turn of the event loop'),
});

/** The configuration file of `opendata-log`. */
export const logConfigSchema = z.strictObject({
  storage: storageConfigSchema.describe('Where and how the log is kept'),
  segmentation: segmentation.prefault({}).describe('When a segment ends'),
  retention: retention.prefault({}).describe('What is removed, and when'),
  head_memory_limit: byteSize({ minBytes: 16 * MiB, maxBytes: 3 * 1024 * MiB })
    .default(logDefaults.headBudgetBytes)
    .describe(
      'Appends are refused (429) while segments that are not stored yet hold more memory; at least twice `seal_byte_limit`',
    ),
  http: http.prefault({}).describe('Limits of requests'),
  replica: z
    .strictObject({
      refresh_interval: durationMs({ minMs: 50, maxMs: 3_600_000 })
        .default(1000)
        .describe('How often what the writer has made durable is looked for'),
    })
    .prefault({})
    .describe('With `--read-only`'),
});

export type LogConfig = z.output<typeof logConfigSchema>;

/** Also checks the settings file that it names. @throws ConfigError, StorageError config: naming file, line and key */
export function loadLogConfig(file: string): LogConfig {
  const loaded = withProblems(
    () => openYamlConfig(file, logConfigSchema),
    () => [...limitProblemsOf(file), ...settingsFileProblems(file)],
  );
  const storage = withSettingsBeside(loaded.value.storage, file);
  const { defaultTtlMs } = loadSlateSettings(storage.settings_path);
  const problems = problemsAt(loaded, limitProblems(loaded.value, defaultTtlMs));
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...loaded.value, storage };
}

/** The limits of the file, whatever else is in it. */
const limitsSchema = z.object({
  segmentation: z.object(segmentation.shape).prefault({}),
  retention: z.object(retention.shape).prefault({}),
  head_memory_limit: logConfigSchema.shape.head_memory_limit,
});

/** Of a file that the schema may refuse: what limits that can be read by themselves say together. */
function limitProblemsOf(file: string): readonly ConfigProblem[] {
  try {
    const loaded = openYamlConfig(file, limitsSchema);
    return problemsAt(loaded, limitProblems(loaded.value, undefined));
  } catch (error) {
    if (isConfigError(error)) return [];
    throw error;
  }
}

/** The configuration of a log that keeps everything else at its default. */
export function configFor(storage: StorageConfig): LogConfig {
  return logConfigSchema.parse({ storage });
}
