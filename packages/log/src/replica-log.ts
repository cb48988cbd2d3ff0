import {
  followWriter,
  type MetricFamily,
  openReadOnlyStorage,
  type ReplicaFollower,
  type StorageConfig,
  StorageError,
  type StorageHealth,
} from '@opendata/storage';
import type { LogDb, LogReader, LogStats } from './db.ts';
import { DurableWatermark } from './durable-watermark.ts';
import { Followers } from './followers.ts';
import { LogReads, type ReadParts } from './log-reads.ts';
import { type Logger, silentLogger } from './logger.ts';
import { PROGRAM } from './program.ts';
import { ReplicaSegments } from './replica-segments.ts';
import { SegmentSet } from './segment-set.ts';
import { SelectionFollowers } from './selection-followers.ts';

export interface ReplicaLogOptions {
  readonly logger?: Logger | undefined;
  /** How often what the writer has made durable is looked for, ms. Default 1000. */
  readonly refreshMs?: number | undefined;
  readonly now?: () => number;
  /** Called when the configuration turns out not to work. */
  readonly onFatal?: (error: StorageError) => void;
}

/** A log that another process writes: reads only, as of a moment ago. */
export interface ReplicaLog extends LogDb {
  /** Resolves when the replica has caught up with the writer for the first time. */
  readonly caughtUp: Promise<void>;
  readonly isCaughtUp: boolean;
  health(): StorageHealth;
  /** @throws StorageError `unavailable` with the reason */
  checkReadable(): Promise<void>;
  storageMetrics(): MetricFamily[];
}

/**
 * Opens a log that another process writes, without fencing that process; waits until there is such a log, and until it
 * is as the writer has it. What is read is durable, and at most about `refreshMs` old.
 * @throws StorageError config
 */
export async function openLogReader(config: StorageConfig, options: ReplicaLogOptions = {}): Promise<LogReader> {
  const replica = startReplicaLog(config, options);
  try {
    await replica.caughtUp;
    return replica;
  } catch (error) {
    await replica.close();
    throw error;
  }
}

/** Starts to follow the log; it is empty until `caughtUp`. */
export function startReplicaLog(config: StorageConfig, options: ReplicaLogOptions = {}): ReplicaLog {
  const { logger = silentLogger, refreshMs = 1000, onFatal } = options;
  const followers = new Followers();
  const segments = new SegmentSet(followers, [], [], 0, 1);
  const watermark = new DurableWatermark(0);
  const end = () => segments.nextSequence;
  const ordered = { visible: new SelectionFollowers(segments, end), durable: new SelectionFollowers(segments, end) };
  let advances = 0;
  const advanced = (): void => {
    // Nothing is seen that is not durable.
    if (segments.nextSequence > watermark.sequence) {
      watermark.push(++advances, segments.nextSequence);
      watermark.reach(advances);
    }
    ordered.visible.advanced();
    ordered.durable.advanced();
  };
  followers.onAppended = advanced;
  const follower = followWriter({
    logger,
    refreshMs,
    ...(onFatal !== undefined && { onFatal }),
    open: () => openReadOnlyStorage(config, { logger, program: PROGRAM, pollMs: refreshMs }),
    load: (storage) =>
      ReplicaSegments.load(storage, {
        watcher: followers,
        take({ sealed, heads, nextSequence, nextId }) {
          segments.take(sealed, heads, nextSequence, nextId);
          advanced();
          // Whoever was woken by a record before it could be seen waits for it again.
          followers.wakeAll();
        },
      }),
  });
  return new FollowingLog({ segments, followers, ordered, watermark }, follower, options.now ?? Date.now);
}

class FollowingLog extends LogReads implements ReplicaLog {
  private readonly follower: ReplicaFollower;
  private readonly now: () => number;
  readonly caughtUp: Promise<void>;
  isCaughtUp = false;

  constructor(parts: ReadParts, follower: ReplicaFollower, now: () => number) {
    super(parts);
    this.follower = follower;
    this.now = now;
    this.caughtUp = follower.caughtUp.then(() => {
      this.isCaughtUp = true;
    });
    this.caughtUp.catch(() => undefined);
  }

  health(): StorageHealth {
    return this.follower.health();
  }

  checkReadable(): Promise<void> {
    return this.follower.checkReadable();
  }

  storageMetrics(): MetricFamily[] {
    return this.follower.metrics();
  }

  async append(): Promise<never> {
    throw readOnly();
  }

  appendColumns(): never {
    throw readOnly();
  }

  async committed(): Promise<void> {}

  acknowledged(): undefined {
    return undefined;
  }

  async flush(): Promise<never> {
    throw readOnly();
  }

  sealActive(): never {
    throw readOnly();
  }

  async sealed(): Promise<void> {}

  async expire(): Promise<never> {
    throw readOnly();
  }

  stats(): LogStats {
    return {
      ...this.readStats(this.now()),
      appendedRecords: 0,
      appendedBytes: 0,
      mergedSegments: 0,
      sealFailures: 0,
      expiredSegments: 0,
      retentionFailures: 0,
    };
  }

  async close(): Promise<void> {
    this.endFollowing();
    await this.follower.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function readOnly(): StorageError {
  return new StorageError('read_only', 'the log is open for reading only');
}
