/*
 * A writer to be killed: appends entries with running numbers from several waiters, and says on stdout which numbers
 * were acknowledged. Publishes a block now and then that takes over a lane.
 *
 *   node crash-writer.mjs folder first-number
 */
import { writeSync } from 'node:fs';
import { openStorage, silentLogger } from '@opendata/storage';

const [folder, first] = process.argv.slice(2);
const config = { type: 'SlateDb', path: 'crash', object_store: { type: 'Local', path: folder } };
const storage = await openStorage(config, { logger: silentLogger, removalGraceMs: 0 });
const { journal, blocks } = storage;
/** Numbers in the journal, and the lanes that they are in. */
let numbers = [];
let lanes = new Set();
for await (const { lane, entry } of journal.recover()) {
  numbers.push(Number.parseInt(Buffer.from(entry).toString(), 10));
  lanes.add(lane);
}
let lane = Math.max(0, ...lanes, ...blocks.list().flatMap(({ sealedLanes }) => sealedLanes)) + 1;
let next = Number(first);
writeSync(1, 'open\n');

const writer = async () => {
  for (;;) {
    const number = next++;
    numbers.push(number);
    lanes.add(lane);
    // Some are large enough for a file beside the engine.
    const padding = 'x'.repeat(number % 5 === 0 ? 40_000 : number % 300);
    await journal.committed(journal.append(lane, Buffer.from(`${number} ${padding}`)));
    writeSync(1, `${number}\n`);
  }
};
/** The entries of all lanes move into a block: from then on they are to be found there, and there only. */
const sealer = async () => {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    const [sealsLanes, inside] = [[...lanes], numbers];
    lane++;
    numbers = [];
    lanes = new Set();
    const block = blocks.create('numbers');
    await block.writePage(Buffer.from(JSON.stringify(inside)));
    await blocks.publish(block, { descriptor: Buffer.from(''), sealsLanes });
  }
};
await Promise.all([...Array.from({ length: 8 }, writer), sealer()]);
