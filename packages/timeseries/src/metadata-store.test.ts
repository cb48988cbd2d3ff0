import type { Logger, MetaStore } from '@opendata/storage';
import { silentLogger } from '@opendata/storage';
import { describe, expect, it } from 'vitest';
import { openMetadataStore } from './metadata-store.ts';
import { MetadataTable } from './metadata-table.ts';

/** Rows in memory. */
function createRows(): MetaStore {
  const rows = new Map<string, Uint8Array>();
  return {
    get: async (name) => rows.get(name),
    put: async (name, bytes) => void rows.set(name, bytes),
  };
}

const UP = { family: 'up', type: 'gauge', help: 'Täglich "frisch".\n', unit: '' } as const;
const BYTES = { family: 'read_bytes', type: 'counter', help: '', unit: 'bytes' } as const;

describe('metadata in the storage', () => {
  it('is there when it is opened again, with what was added last', async () => {
    const rows = createRows();
    const table = new MetadataTable();
    const store = await openMetadataStore(rows, table, silentLogger);
    table.add([UP]);
    store.changed();
    table.add([BYTES, { ...BYTES, help: 'another' }]);
    store.changed();
    await store.close();
    const again = new MetadataTable();
    await openMetadataStore(rows, again, silentLogger);
    expect([...again.entries()]).toEqual([...table.entries()]);
    expect(again.get('read_bytes')).toHaveLength(2);
  });

  it('that cannot be read is left out', async () => {
    const rows = createRows();
    await rows.put('timeseries-metadata', Uint8Array.of(1, 2, 3));
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, message) => void warnings.push(message) };
    const table = new MetadataTable();
    await openMetadataStore(rows, table, logger);
    expect([...table.entries()]).toEqual([]);
    expect(warnings).toEqual(['the saved metadata cannot be read']);
  });
});
