import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import { importOpenMetrics } from './importer.ts';

const { newFolder, openDb } = useDatabases();

it('waits for room in the journal', async () => {
  const config = newFolder();
  const settings_path = join(config.object_store.path, 'slatedb.yaml');
  writeFileSync(settings_path, 'max_unflushed_bytes: 65536\n');
  const db = await openDb({ ...config, settings_path });
  const filling = Array.from({ length: 4000 }, (_, i) => ({
    labels: ['__name__', `filling_${i}`, 'padding', `${Math.imul(i + 1, 0x9e3779b1)}`.repeat(3)],
    samples: [{ timestampMs: NOW, value: i }],
  }));
  db.remoteWrite(snappyCompress(encodeWriteRequest({ series: filling })));
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`imported{n="1"} 1 ${NOW / 1000}\nimported{n="2"} 2 ${NOW / 1000 - 7200}\n# EOF\n`);
  }
  expect(await importOpenMetrics(db, chunks(), { now: () => NOW })).toMatchObject({ samples: 2, rejected: 0 });
  expect(await db.select({ matchers: [{ name: 'n', type: '!=', value: '' }], startMs: 0, endMs: NOW })).toHaveLength(2);
});
