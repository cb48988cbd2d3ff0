import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { BodyMemory, countedBytes } from '@opendata/server';
import { expect, it } from 'vitest';
import { withDecodedBody } from './request-body.ts';

const limitBytes = 2_000_000;
const packed = gzipSync(randomBytes(900_000));
const unpackedLength = (memory: BodyMemory): Promise<number> =>
  withDecodedBody(packed, { 'content-encoding': 'gzip' }, { limitBytes, memory }, async ({ length }) => length);

it('a compressed body that is alone has room for what is unpacked, whatever the bound is', async () => {
  const memory = new BodyMemory(1_000_000);
  const ownBytes = countedBytes(packed.length);
  expect(memory.take(ownBytes, 0)).toBe(true);
  expect(await unpackedLength(memory)).toBe(900_000);
  expect(memory.usedBytes).toBe(ownBytes);
});

it('one that is not alone is 503', async () => {
  const memory = new BodyMemory(1_000_000);
  expect(memory.take(countedBytes(packed.length) + 1, 0)).toBe(true);
  await expect(unpackedLength(memory)).rejects.toMatchObject({ status: 503 });
  expect(memory.usedBytes).toBe(countedBytes(packed.length) + 1);
});
