import { readFileSync } from 'node:fs';
import { ConfigError, type Registry } from '@opendata/server';
import { loadConfig, type TimeSeriesConfig } from './model/config.ts';

/** What a reload takes over; everything else needs a restart. */
const RELOADABLE: readonly (keyof TimeSeriesConfig)[] = ['scrapeJobs'];

/** Keys of the configuration file by what they become. */
const FILE_KEYS: Readonly<Partial<Record<keyof TimeSeriesConfig, string>>> = {
  storage: 'storage',
  isStorageDefault: 'storage',
  retentionMs: 'retention',
  retentionBytes: 'retention_size',
  flushIntervalMs: 'flush_interval_secs',
  remoteWriteAck: 'remote_write.ack',
  remoteWriteBodyLimitBytes: 'remote_write.body_size_limit',
  bodyMemoryBytes: 'http.body_memory_limit',
  headBudgetBytes: 'head.memory_budget',
  windowMs: 'head.window',
  graceMs: 'head.late_grace',
  maxSeries: 'head.max_series',
  seriesIdleMs: 'head.series_idle',
  otlp: 'otlp',
  externalLabels: 'global.external_labels',
  isReadOnly: 'read_only',
  refreshMs: 'replica.refresh_interval',
};

export interface ReloaderOptions {
  /** `undefined`: the server runs without a configuration file. */
  readonly file: string | undefined;
  readonly config: TimeSeriesConfig;
  readonly registry: Registry;
  readonly now?: () => number;
}

export interface LastReload {
  readonly isSuccessful: boolean;
  /** Of the last successful one, or of the start; ms. */
  readonly succeededAtMs: number;
}

export interface Reloader {
  /** What the metrics say, too. */
  last(): LastReload;
  /** The configuration file as it is in use. */
  text(): string;
  /**
   * Reads the configuration file again and applies it, one reload after the other. One that cannot be used, or changes
   * what cannot be changed while the server runs, is refused as a whole.
   * @throws ConfigError
   */
  reload(apply: (config: TimeSeriesConfig) => Promise<void>): Promise<void>;
}

/** The metrics about it have Prometheus' names. */
export function createReloader({ file, config: initial, registry, now = Date.now }: ReloaderOptions): Reloader {
  const successful = registry.gauge({
    name: 'prometheus_config_last_reload_successful',
    help: 'Whether the last attempt to load the configuration was successful.',
  });
  const succeededAt = registry.gauge({
    name: 'prometheus_config_last_reload_success_timestamp_seconds',
    help: 'Time of the last successful load of the configuration.',
  });
  let config = initial;
  let text = file === undefined ? '' : readFileSync(file, 'utf8');
  let queue: Promise<void> = Promise.resolve();
  let last = succeeded();

  function succeeded(): LastReload {
    const succeededAtMs = now();
    successful.set(1);
    succeededAt.set(succeededAtMs / 1000);
    return { isSuccessful: true, succeededAtMs };
  }

  async function reload(apply: (config: TimeSeriesConfig) => Promise<void>): Promise<void> {
    try {
      if (file === undefined) throw withoutFile();
      const next = loadConfig(file);
      const nextText = readFileSync(file, 'utf8');
      refuseFixed(file, config, next);
      await apply(next);
      config = next;
      text = nextText;
      last = succeeded();
    } catch (error) {
      successful.set(0);
      last = { ...last, isSuccessful: false };
      throw error;
    }
  }

  return {
    last: () => last,
    text: () => text,
    reload(apply) {
      const done = queue.then(() => reload(apply));
      queue = done.catch(() => undefined);
      return done;
    },
  };
}

/** @throws ConfigError that names every key that would have to be applied by a restart */
function refuseFixed(file: string, before: TimeSeriesConfig, after: TimeSeriesConfig): void {
  const changed = (Object.keys({ ...before, ...after }) as (keyof TimeSeriesConfig)[]).filter(
    (key) => !RELOADABLE.includes(key) && textOf(before[key]) !== textOf(after[key]),
  );
  const keys = [...new Set(changed.map((key) => FILE_KEYS[key] ?? key))];
  if (keys.length === 0) return;
  const message = 'cannot be changed by a reload; nothing of the new configuration is in use, restart the server';
  throw new ConfigError(keys.map((path) => ({ file, path, message })));
}

function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Set ? [...part].sort() : part));
}

function withoutFile(): ConfigError {
  const message = 'the server was started without a configuration file, so there is nothing to read again';
  return new ConfigError([{ file: '--config', path: '', message }]);
}
