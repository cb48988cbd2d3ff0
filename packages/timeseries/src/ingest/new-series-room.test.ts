import { expect, it } from 'vitest';
import { encodeLabels } from '../head/label-bytes.ts';
import { SeriesTable } from '../head/series-table.ts';
import { IngestTimes } from './ingest-times.ts';
import { createInTurns, type NewSeries } from './new-series.ts';

const COUNT = 128;
const CHUNK = new DataView(new ArrayBuffer(1 << 20));
/** Bytes before an entry of the arena, and the multiple of which its length takes up. */
const HEADER_BYTES = 16;

/** Series whose labels come in an order of their own: each gets two keys. */
function unsortedSeries(): NewSeries {
  const runs = Array.from({ length: COUNT }, (_, i) => encodeLabels(['pod', `pod-${i}`, '__name__', 'm']));
  const starts = new Uint32Array(COUNT + 1);
  for (const [i, run] of runs.entries()) starts[i + 1] = starts[i]! + run.length;
  return {
    bytes: Buffer.concat(runs),
    starts,
    places: Uint32Array.from(runs.keys()),
    count: COUNT,
  };
}

/** A table whose keys have that much room before their memory has to grow. */
function tableWithRoom(sizeBytes: number): SeriesTable {
  const table = new SeriesTable();
  const arena = table.keys.arena!;
  let left = Number.POSITIVE_INFINITY;
  while (left > sizeBytes) {
    const length = Math.min(CHUNK.byteLength, Math.max(0, left - sizeBytes - HEADER_BYTES));
    left = arena.buffer.byteLength - arena.add(CHUNK, 0, length) - Math.ceil(length / HEADER_BYTES) * HEADER_BYTES;
  }
  return table;
}

it.skipIf(new SeriesTable().keys.arena === undefined)(
  'creates series where the memory of their keys is about to grow',
  async () => {
    const added = unsortedSeries();
    for (const perSeries of [0, 34, 64]) {
      const table = tableWithRoom(2 * added.bytes.length + COUNT * perSeries);
      await createInTurns(table, added, new IngestTimes());
      expect(table.count).toBe(COUNT);
      expect(table.labels(COUNT - 1)).toEqual(['__name__', 'm', 'pod', `pod-${COUNT - 1}`]);
    }
  },
);
