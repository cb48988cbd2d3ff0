import { openStorage } from '@opendata/storage';
import { expect, it, onTestFinished } from 'vitest';
import { columnsOf } from '../append-columns.ts';
import { Head, type KeyWatcher } from '../head/head.ts';
import { silentLogger } from '../logger.ts';
import { writeSegment } from './segment-writer.ts';

const nobody: KeyWatcher = { size: 0, watches: () => false, wake: () => undefined, appended: () => undefined };

it('writes nothing more once it is called off', async () => {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  onTestFinished(() => storage.close());
  const head = new Head(1, 0, nobody);
  head.commit(head.stage(columnsOf([{ key: Buffer.from('a'), value: Buffer.from('1') }]), 1));
  const writer = storage.blocks.create('segment');
  const closing = AbortSignal.abort(new Error('closing'));
  await expect(writeSegment(head, writer, closing)).rejects.toThrow('closing');
  expect(writer.pages).toBe(0);
  expect(await writeSegment(head, writer)).toMatchObject({ segmentId: 1, recordCount: 1 });
});
