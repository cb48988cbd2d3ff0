import type { BlockInfo } from './blocks.ts';
import { pause } from './deadline.ts';
import { toStorageError } from './errors.ts';
import type { Logger } from './logger.ts';
import { counterFamily, gaugeFamily, type MetricFamily } from './metrics.ts';

/** What is fetched into the disk cache at start: the newest blocks, or as many as fit. */
export type CachePreload = 'L0Sst' | 'AllSst';

export interface WarmUpOptions {
  readonly preload: CachePreload;
  /** Size of the disk cache. */
  readonly cacheBytes: number;
  /** When to begin: once the journal has been read, which readiness waits for. */
  readonly after: Promise<void>;
  readonly blocks: () => readonly BlockInfo[];
  /** Reads pages past the caches in memory; answers their bytes. */
  readonly read: (block: BlockInfo, first: number, count: number) => Promise<number>;
  readonly logger: Logger;
}

export interface WarmUp {
  /** Resolves when everything wanted was read, or the warm-up was stopped. */
  readonly done: Promise<void>;
  metrics(): MetricFamily[];
  stop(): void;
}

/** So much of the newest blocks is fetched with `L0Sst`. */
const newestBytes = 1024 ** 3;
const runBytes = 4 * 1024 ** 2;
const retryMs = 5_000;

/**
 * Reads blocks in the background, the newest first, so that the disk cache has them before somebody asks. SlateDB's own
 * way would hold up the opening until everything is there, which is for ever where the deadline of opening is shorter.
 */
export function startWarmUp(options: WarmUpOptions): WarmUp {
  const stopping = new AbortController();
  let readBytes = 0;
  let isRunning = true;
  const done = run(options, stopping.signal, (bytes) => {
    readBytes += bytes;
  })
    .catch((error: unknown) => options.logger.warn({ err: error }, 'the disk cache could not be warmed up'))
    .finally(() => {
      isRunning = false;
    });
  return {
    done,
    metrics: () => [
      gaugeFamily('storage_cache_warming_up', '1 while blocks are fetched into the disk cache.', isRunning ? 1 : 0),
      counterFamily('storage_cache_warm_up_bytes_total', 'Bytes of pages fetched into the disk cache.', readBytes),
    ],
    stop: () => stopping.abort(),
  };
}

async function run(options: WarmUpOptions, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<void> {
  const { preload, cacheBytes, blocks, logger } = options;
  await Promise.race([options.after, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
  const startedMs = performance.now();
  let leftBytes = preload === 'L0Sst' ? Math.min(cacheBytes, newestBytes) : cacheBytes;
  const limitBytes = leftBytes;
  const newestFirst = [...blocks()].sort((a, b) => b.id - a.id);
  for (const block of newestFirst) {
    const pagesOfRun = Math.max(1, Math.floor((runBytes * block.pages) / Math.max(1, block.sizeBytes)));
    for (let first = 0; first < block.pages && leftBytes > 0; first += pagesOfRun) {
      const bytes = await readRun(options, block, first, Math.min(pagesOfRun, block.pages - first), signal);
      if (signal.aborted) return;
      // The block is gone: merged or expired.
      if (bytes === undefined) break;
      leftBytes -= bytes;
      onBytes(bytes);
    }
  }
  const tookMs = Math.round(performance.now() - startedMs);
  logger.info({ preload, readBytes: limitBytes - leftBytes, tookMs }, 'the disk cache is warm');
}

/** Bytes that were read; undefined where the block is not there any more. Half of the time is left to others. */
async function readRun(
  { blocks, read, logger }: WarmUpOptions,
  block: BlockInfo,
  first: number,
  count: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  while (!signal.aborted && blocks().some(({ id }) => id === block.id)) {
    const startedMs = performance.now();
    try {
      const bytes = await read(block, first, count);
      await pause(performance.now() - startedMs, signal);
      return bytes;
    } catch (thrown) {
      const error = toStorageError(thrown);
      if (!error.retryable) return undefined;
      logger.debug({ err: error, block: block.id }, 'a block cannot be fetched into the disk cache now');
      await pause(retryMs, signal);
    }
  }
  return undefined;
}
