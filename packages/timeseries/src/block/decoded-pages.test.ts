import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BlockReads, StorageError } from '@opendata/storage';
import { expect, it, onTestFinished } from 'vitest';
import { DecodedPages } from './decoded-pages.ts';

it('leaves no error behind that nobody looks at, where several pages of a run cannot be read', async () => {
  let isLost = false;
  const blocks: BlockReads = {
    list: () => [],
    async readPages(_block, first, count) {
      await nextTurn();
      if (isLost) throw new StorageError('unavailable', 'no answer');
      return Array.from({ length: count }, (_, i) => Uint8Array.of(first + i));
    },
  };
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const pages = new DecodedPages(blocks, 1_000_000);
  const decode = (bytes: Uint8Array): number => bytes[0]!;
  expect(await pages.get(1, 0, decode)).toBe(0);
  isLost = true;
  const read: number[] = [];
  const readAll = async (): Promise<void> => {
    for await (const page of pages.each(1, [0, 1, 2, 3], decode)) read.push(page);
  };
  await expect(readAll()).rejects.toThrow('no answer');
  await nextTurn();
  expect(read).toEqual([0]);
  expect(unhandled).toEqual([]);
});
