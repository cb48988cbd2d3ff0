import { cp, readdir, rm } from 'node:fs/promises';
import { silentLogger } from './logger.ts';
import type { MemoryStore } from './memory-engine.testing.ts';
import { type Storage, type StorageParts, startStorage } from './storage.ts';

/** A storage on the model engine, recovered unless `recover` is false. */
export async function openOnModel(
  store: MemoryStore,
  parts: Partial<StorageParts> & { readonly recover?: boolean } = {},
): Promise<Storage> {
  const storage = await startStorage(store.open(), {
    logger: silentLogger,
    removalGraceMs: 0,
    commitIntervalMs: 0,
    commitTimeoutMs: 5_000,
    retryMs: 1,
    pageCacheBytes: 1_000_000,
    budgetBytes: 1_000_000,
    ...parts,
  });
  if (parts.recover !== false) await recoverAll(storage);
  return storage;
}

export interface RecoveredEntry {
  readonly lane: number;
  readonly group: number;
  readonly text: string;
}

export async function recoverAll(storage: Pick<Storage, 'journal'>): Promise<RecoveredEntry[]> {
  const entries: RecoveredEntry[] = [];
  for await (const { lane, group, entry } of storage.journal.recover()) {
    entries.push({ lane, group, text: Buffer.from(entry).toString() });
  }
  return entries;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The code of the StorageError that the promise rejects with, or what else happened. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

/** Copies a folder that a storage has open, as it is at one moment: what a process leaves that ends then. */
export async function copyRunning(from: string, to: string): Promise<void> {
  const files = async (): Promise<string> => (await readdir(from, { recursive: true })).sort().join('\n');
  for (;;) {
    await rm(to, { recursive: true, force: true });
    const before = await files();
    // By their ages the clean-up of the log takes the oldest first.
    const isCopied = await cp(from, to, { recursive: true, preserveTimestamps: true }).then(
      () => true,
      () => false,
    );
    if (isCopied && (await files()) === before) return;
  }
}
