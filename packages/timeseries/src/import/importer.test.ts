import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { describe, expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import { OverloadedError } from '../head/errors.ts';
import { importOpenMetrics } from './importer.ts';

const HOUR_MS = 3_600_000;
const { newFolder, openDb } = useDatabases();

/** Series by series, each over a day that is past. */
async function* text(series: number, samples: number): AsyncGenerator<Uint8Array> {
  const startS = (Math.floor(Date.now() / HOUR_MS) - 48) * 3600;
  for (let i = 0; i < series; i++) {
    const lines = Array.from({ length: samples }, (_, k) => `m{i="${i}"} ${k} ${startS + k * 60}\n`);
    yield Buffer.from(lines.join(''));
  }
}

describe('importOpenMetrics', () => {
  it('seals what is complete while memory is full, and goes on', async () => {
    const db = await openDb(newFolder(), { now: Date.now, headBudgetBytes: 4 * 1024 * 1024 });
    const result = await importOpenMetrics(db, text(300, 1440), { now: Date.now });
    expect(result).toMatchObject({ lines: 432_000, samples: 432_000, rejected: 0 });
    const { sealing, memoryBytes } = db.stats();
    expect(sealing.seals).toBeGreaterThan(0);
    expect(memoryBytes).toBeLessThan(5 * 1024 * 1024);
    await db.seal('all');
    const series = await db.select({ matchers: [], startMs: 0, endMs: Date.now() });
    expect(series).toHaveLength(300);
    for (const { values } of series) expect(values.length).toBe(1440);
  });

  it('takes lines of any number of windows', async () => {
    const db = await openDb({ type: 'InMemory' }, { now: Date.now });
    const startS = Math.floor(Date.now() / 1000) - 5000 * 3600;
    async function* hourly(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(Array.from({ length: 4500 }, (_, i) => `m ${i} ${startS + i * 3600}\n`).join(''));
    }
    expect(await importOpenMetrics(db, hourly(), { now: Date.now })).toMatchObject({ samples: 4500, rejected: 0 });
    const [series] = await db.select({ matchers: [], startMs: 0, endMs: Date.now() });
    expect(series!.values.length).toBe(4500);
  });

  it('gives up after its patience where nothing makes room', async () => {
    const db = await openDb(newFolder(), { now: Date.now, headBudgetBytes: 1 });
    const importing = importOpenMetrics(db, text(1, 10), { now: Date.now, patienceMs: 300 });
    await expect(importing).rejects.toBeInstanceOf(OverloadedError);
  });

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
    expect(await db.select({ matchers: [{ name: 'n', type: '!=', value: '' }], startMs: 0, endMs: NOW })).toHaveLength(
      2,
    );
  });
});
