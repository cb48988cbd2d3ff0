import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Logger, MetaReads, MetaStore } from '@opendata/storage';
import type { FamilyMetadata } from '@opendata/wire';
import { z } from 'zod';
import { createYielder } from './head/yielder.ts';
import type { MetadataTable } from './metadata-table.ts';

const ROW = 'timeseries-metadata';
/** A row is written at once where there was none for this long. */
const SAVE_INTERVAL_MS = 5000;
const FAMILIES_PER_TURN = 500;

const compress = promisify<Buffer, Buffer>(gzip);
const decompress = promisify<Uint8Array, Buffer>(gunzip);

const rowSchema = z.array(z.object({ family: z.string(), type: z.string(), help: z.string(), unit: z.string() }));

/** Keeps the table of metadata in a row of the storage. */
export interface MetadataStore {
  /** Says that the table has changed. */
  changed(): void;
  /** Saves what was not saved yet. */
  close(): Promise<void>;
}

/** Reads the row into the table; from then on changes are saved. A row that cannot be read is left out with a warning. */
export async function openMetadataStore(meta: MetaStore, table: MetadataTable, logger: Logger): Promise<MetadataStore> {
  await loadMetadata(meta, table, logger);
  let isChanged = false;
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<void> = Promise.resolve();

  const save = (): void => {
    timer = setTimeout(onTime, SAVE_INTERVAL_MS);
    timer.unref();
    isChanged = false;
    saving = saving
      .then(async () => meta.put(ROW, await encode(table)))
      .catch((error: unknown) => {
        isChanged = true;
        logger.warn({ err: error }, 'saving metadata failed');
      });
  };
  const onTime = (): void => {
    timer = undefined;
    if (isChanged) save();
  };

  return {
    changed() {
      isChanged = true;
      if (timer === undefined) save();
    },
    async close() {
      clearTimeout(timer);
      await saving;
      if (isChanged) save();
      clearTimeout(timer);
      await saving;
    },
  };
}

/** Reads the row into the table, unless it is as `known`. Answers the row. @throws StorageError */
export async function loadMetadata(
  meta: MetaReads,
  table: MetadataTable,
  logger: Logger,
  known?: Uint8Array,
): Promise<Uint8Array | undefined> {
  const row = await meta.get(ROW);
  if (row === undefined || (known !== undefined && Buffer.compare(row, known) === 0)) return row;
  try {
    table.add(rowSchema.parse(JSON.parse((await decompress(row)).toString())) as FamilyMetadata[]);
  } catch (error) {
    logger.warn({ err: error }, 'the saved metadata cannot be read');
  }
  return row;
}

async function encode(table: MetadataTable): Promise<Uint8Array> {
  const yielder = createYielder();
  const pieces: string[] = [];
  for (const [family, entries] of [...table.entries()]) {
    for (const entry of entries) pieces.push(JSON.stringify({ family, ...entry }));
    if (pieces.length % FAMILIES_PER_TURN === 0) await yielder();
  }
  return compress(Buffer.from(`[${pieces.join(',')}]`));
}
