import type { MetricFamily, StorageHealth } from '@opendata/storage';
import type { TimeSeriesReading } from '../read/reading.ts';
import { UnionReads } from '../read/union-reads.ts';
import { ReplicaDb, type ReplicaDbOptions } from './replica-db.ts';

/** A replica of one database, or of several as one. */
export interface FollowedReads extends TimeSeriesReading {
  /** Resolves when every database has been caught up with for the first time; before that nothing can be read. */
  readonly caughtUp: Promise<void>;
  readonly isCaughtUp: boolean;
  health(): StorageHealth;
  /** @throws StorageError `unavailable` with the reason */
  checkReadable(): Promise<void>;
  storageMetrics(): MetricFamily[];
  close(): Promise<void>;
}

/**
 * Follows the databases of several writers on one store, which are read as one. Each is followed on its own; the union is
 * healthy when all of them are.
 * @param paths of the databases, besides that of the storage section
 */
export function followAll(options: ReplicaDbOptions, paths: readonly string[]): FollowedReads {
  if (paths.length === 0) return new ReplicaDb(options);
  const { storage } = options;
  if (storage.type !== 'SlateDb') throw new TypeError('a database in memory has no path');
  return new ReplicaUnion(
    [storage.path, ...paths].map((path) => [path, new ReplicaDb({ ...options, storage: { ...storage, path } })]),
  );
}

class ReplicaUnion extends UnionReads implements FollowedReads {
  readonly caughtUp: Promise<void>;
  readonly #replicas: readonly (readonly [path: string, replica: ReplicaDb])[];

  constructor(replicas: readonly (readonly [path: string, replica: ReplicaDb])[]) {
    super(replicas.map(([, replica]) => replica));
    this.#replicas = replicas;
    this.caughtUp = Promise.all(replicas.map(([, replica]) => replica.caughtUp)).then(() => undefined);
    this.caughtUp.catch(() => undefined);
  }

  get isCaughtUp(): boolean {
    return this.#replicas.every(([, replica]) => replica.isCaughtUp);
  }

  health(): StorageHealth {
    for (const [path, replica] of this.#replicas) {
      const health = replica.health();
      if (health.state !== 'ok') return { ...health, detail: `${path}: ${health.detail}` };
    }
    return this.#replicas[0]![1].health();
  }

  async checkReadable(): Promise<void> {
    await Promise.all(this.#replicas.map(([, replica]) => replica.checkReadable()));
  }

  /** The samples of every replica, with its path as a label. */
  storageMetrics(): MetricFamily[] {
    const families = new Map<string, MetricFamily>();
    for (const [path, replica] of this.#replicas) {
      for (const family of replica.storageMetrics()) {
        const samples = family.samples.map((sample) => ({ ...sample, labels: { ...sample.labels, path } }));
        const known = families.get(family.name)?.samples ?? [];
        families.set(family.name, { ...family, samples: [...known, ...samples] });
      }
    }
    return [...families.values()];
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map(([, replica]) => replica.close()));
  }
}
