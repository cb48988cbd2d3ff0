import type { MetaStore } from '@opendata/storage';

const META_NAME = 'timeseries-lane-epoch';
const LANES_PER_EPOCH = 2 ** 32;

/**
 * Starts a new range of lane numbers, above every one that was ever in use: a sealed lane's number must not come
 * back. Each opening of the database takes one range.
 * @returns the number below the first of the range
 */
export async function nextLaneEpoch(meta: MetaStore): Promise<number> {
  const stored = await meta.get(META_NAME);
  const epoch = stored === undefined ? 0 : new DataView(stored.buffer, stored.byteOffset).getUint32(0, true);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, epoch + 1, true);
  await meta.put(META_NAME, bytes);
  return epoch * LANES_PER_EPOCH;
}
