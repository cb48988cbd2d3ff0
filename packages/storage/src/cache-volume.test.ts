import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { withCacheThatFits } from './cache-volume.ts';
import { silentLogger } from './logger.ts';
import { slateSettings } from './settings.ts';

const folder = tmpdir();
const { blocks, bsize } = statfsSync(folder);

it.each([
  ['larger than its volume', 2 * blocks * bsize, Math.floor(0.9 * blocks * bsize)],
  ['as large as its volume', blocks * bsize, Math.floor(0.9 * blocks * bsize)],
  ['small', 1_000_000, 1_000_000],
])('a disk cache that is %s takes nine tenths of it at most', async (_name, configured, expected) => {
  const settings = slateSettings({
    object_store_cache_options: { root_folder: folder, max_cache_size_bytes: configured },
  });
  const { engine } = await withCacheThatFits(settings, silentLogger);
  expect(engine['object_store_cache_options']).toEqual({ root_folder: folder, max_cache_size_bytes: expected });
});

it('settings without a disk cache stay as they are', async () => {
  const settings = slateSettings({});
  expect(await withCacheThatFits(settings, silentLogger)).toBe(settings);
});
