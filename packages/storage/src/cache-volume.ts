import { statfs } from 'node:fs/promises';
import type { WarmUpOptions } from './cache-warm-up.ts';
import type { Logger } from './logger.ts';
import type { SlateSettings } from './settings.ts';

/** Share of its volume that the disk cache may take: file systems need room for themselves, and the cache overshoots. */
const VOLUME_SHARE = 0.9;
const DEFAULT_CACHE_BYTES = 16 * 1024 ** 3;

/** The settings with a disk cache that fits on its volume: one that fills it would end with writes to a full disk. */
export async function withCacheThatFits(settings: SlateSettings, logger: Logger): Promise<SlateSettings> {
  const { cacheFolder, engine } = settings;
  if (cacheFolder === undefined) return settings;
  const configuredBytes = cacheBytes(settings);
  const sizeBytes = Math.min(configuredBytes, await largestCacheBytes(cacheFolder));
  if (sizeBytes === configuredBytes) return settings;
  logger.info(
    { cacheFolder, configuredBytes, sizeBytes },
    'the disk cache is made smaller than max_cache_size_bytes: nine tenths of its volume',
  );
  const options = { ...sectionOf(settings), max_cache_size_bytes: sizeBytes };
  return { ...settings, engine: { ...engine, object_store_cache_options: options } };
}

/** Upper bound of the disk cache, in bytes. */
export function cacheBytes(settings: SlateSettings): number {
  return Number(sectionOf(settings)['max_cache_size_bytes'] ?? DEFAULT_CACHE_BYTES);
}

/** What is to be fetched into the disk cache at start, if there is one and it is wanted. */
export function warmUpOf(settings: SlateSettings): Pick<WarmUpOptions, 'preload' | 'cacheBytes'> | undefined {
  const { cacheFolder, cachePreload: preload } = settings;
  if (cacheFolder === undefined || preload === undefined) return undefined;
  return { preload, cacheBytes: cacheBytes(settings) };
}

function sectionOf({ engine }: SlateSettings): Readonly<Record<string, unknown>> {
  return (engine['object_store_cache_options'] ?? {}) as Readonly<Record<string, unknown>>;
}

async function largestCacheBytes(folder: string): Promise<number> {
  const { blocks, bsize } = await statfs(folder);
  return Math.floor(VOLUME_SHARE * blocks * bsize);
}
