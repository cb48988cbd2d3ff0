import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageConfig } from './config.ts';
import { StorageError } from './errors.ts';
import type { SlateTarget } from './slatedb.ts';

export interface StorageTarget extends SlateTarget {
  /** Whether the store is asked over a network, so that a wrong configuration would hang. */
  readonly remote: boolean;
  /** The folder of the database, where it is one that must be synced before a commit counts as durable. */
  readonly syncFolder: string | undefined;
}

export function storageTarget(config: StorageConfig): StorageTarget {
  const path = config.type === 'SlateDb' ? config.path : 'db';
  const store = config.type === 'SlateDb' ? config.object_store : ({ type: 'InMemory' } as const);
  if (store.type === 'InMemory') {
    return { url: 'memory:///', env: {}, path, description: 'memory', remote: false, syncFolder: undefined };
  }
  if (store.type === 'Local') {
    const root = resolve(store.path);
    mkdirSync(root, { recursive: true });
    const syncFolder = store.fsync === true ? resolve(root, path) : undefined;
    return { url: pathToFileURL(root).href, env: {}, path, description: `folder ${root}`, remote: false, syncFolder };
  }
  throw new StorageError('config', `object store ${store.type} is not supported`);
}
