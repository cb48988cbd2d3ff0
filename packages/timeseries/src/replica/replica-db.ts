import {
  followWriter,
  type Logger,
  loadSlateSettings,
  type MetricFamily,
  openReadOnlyStorage,
  type ReplicaFollower,
  type StorageConfig,
  type StorageError,
  type StorageHealth,
} from '@opendata/storage';
import { PROGRAM } from '../program.ts';
import { type ReadSources, type TimeSeriesDbStats, TimeSeriesReads } from '../read/time-series-reads.ts';
import { FollowedState } from './replica-state.ts';

export interface ReplicaDbOptions {
  readonly storage: StorageConfig;
  readonly logger: Logger;
  /** How often what the writer has made durable is looked for, in ms. Default 1000. */
  readonly refreshMs?: number;
  /** Samples that are older are not shown, in ms; default: the `default_ttl` of the settings file. */
  readonly retentionMs?: number | undefined;
  /** Unix time in ms. */
  readonly now?: () => number;
  /** Called when the configuration turns out not to work. */
  readonly onFatal?: (error: StorageError) => void;
}

const NO_SEALING = { sealedSamples: 0, seals: 0, sealSeconds: 0, merges: 0, mergeSeconds: 0, failures: 0 };

/**
 * A time series database that another process writes: reads only, as of a moment ago. It waits until there is such a
 * database, follows its writer whatever happens to that, never fences it, and shows only what is durable.
 */
export class ReplicaDb extends TimeSeriesReads {
  /** Resolves when the replica has caught up with the writer for the first time; before that nothing can be read. */
  readonly caughtUp: Promise<void>;
  readonly #follower: ReplicaFollower;
  #isCaughtUp = false;

  /** @throws ConfigFileError where the settings file cannot be used */
  constructor(options: ReplicaDbOptions) {
    const { storage: config, logger, refreshMs = 1000, onFatal } = options;
    const { defaultTtlMs } = loadSlateSettings(config.settings_path);
    super({ now: options.now ?? Date.now, retentionMs: options.retentionMs ?? defaultTtlMs });
    this.#follower = followWriter({
      logger,
      refreshMs,
      ...(onFatal !== undefined && { onFatal }),
      open: () => openReadOnlyStorage(config, { logger, program: PROGRAM, pollMs: refreshMs }),
      load: (storage) =>
        FollowedState.load(storage, { metadata: this.metadata, logger, show: (sources) => this.#showFirst(sources) }),
    });
    this.caughtUp = this.#follower.caughtUp;
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  health(): StorageHealth {
    return this.#follower.health();
  }

  /** @throws StorageError `unavailable` with the reason */
  checkReadable(): Promise<void> {
    return this.#follower.checkReadable();
  }

  storageMetrics(): MetricFamily[] {
    return this.#follower.metrics();
  }

  stats(): TimeSeriesDbStats {
    return { ...this.readStats(), headBudgetBytes: 0, appendedSamples: 0, sealing: NO_SEALING };
  }

  close(): Promise<void> {
    return this.#follower.close();
  }

  #showFirst(sources: ReadSources): void {
    this.show(sources);
    this.#isCaughtUp = true;
  }
}
