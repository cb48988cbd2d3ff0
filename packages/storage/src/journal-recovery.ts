import { yieldToLoop } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { JournalFrameReader } from './journal-frame.ts';
import { groupOfKey, idOfKey, journalFrom, laneMarkers, laneOfKey, partOfKey, stateKey } from './keys.ts';

export interface JournalEntry {
  readonly lane: number;
  readonly group: number;
  readonly entry: Uint8Array;
}

/** What is known of a journal before its rows are read. */
export interface JournalState {
  /** No row has a smaller group. */
  readonly floorGroup: number;
  /** The last group that was committed. */
  readonly lastGroup: number;
  /** Lanes whose rows are garbage. */
  readonly sealedLanes: readonly number[];
}

const journalStateKey = stateKey('journal');
const readAheadBytes = 8 * 1024 * 1024;
const timeBetweenYieldsMs = 5;

/** The row that outlives journal rows: where to start reading, and up to where group numbers were used. */
export function journalStateRow(floorGroup: number, lastGroup: number): { key: Uint8Array; value: Uint8Array } {
  return { key: journalStateKey, value: new TextEncoder().encode(JSON.stringify({ floorGroup, lastGroup })) };
}

export async function readJournalState(engine: EngineReader): Promise<JournalState> {
  const row = await engine.get(journalStateKey);
  const { floorGroup, lastGroup } =
    row === undefined
      ? { floorGroup: 1, lastGroup: 0 }
      : (JSON.parse(new TextDecoder().decode(row)) as { floorGroup: number; lastGroup: number });
  let last = lastGroup;
  for await (const { key } of engine.scan(journalFrom(floorGroup), { descending: true, keysOnly: true })) {
    last = Math.max(last, groupOfKey(key));
    break;
  }
  const sealedLanes: number[] = [];
  for await (const { key } of engine.scan(laneMarkers)) sealedLanes.push(idOfKey(key));
  return { floorGroup, lastGroup: last, sealedLanes };
}

/**
 * Entries of all lanes that are not sealed, in the order of their appends, from a group on. `visit` learns of every
 * row, garbage included, before its entries are yielded.
 */
export async function* recoverJournal(
  engine: EngineReader,
  fromGroup: number,
  sealed: ReadonlySet<number>,
  visit: (group: number, lane: number, part: number, sizeBytes: number) => void,
): AsyncGenerator<JournalEntry, void, undefined> {
  let group = 0;
  let turnStartedMs = performance.now();
  let rows: { lane: number; reader: JournalFrameReader }[] = [];
  for await (const { key, value } of engine.scan(journalFrom(fromGroup), { readAheadBytes, cache: false })) {
    const rowGroup = groupOfKey(key);
    const lane = laneOfKey(key);
    const part = partOfKey(key);
    if (rowGroup !== group) {
      for (const entry of mergeRows(group, rows)) {
        yield entry;
        // One entry may define thousands of series.
        if (performance.now() - turnStartedMs > timeBetweenYieldsMs) {
          await yieldToLoop();
          turnStartedMs = performance.now();
        }
      }
      group = rowGroup;
      rows = [];
    }
    visit(rowGroup, lane, part, value.length);
    if (sealed.has(lane)) continue;
    const reader = new JournalFrameReader(value, `journal group ${rowGroup}, lane ${lane}, part ${part}`);
    if (reader.next()) rows.push({ lane, reader });
  }
  yield* mergeRows(group, rows);
}

/** The entries of one group's rows in the order in which they were appended. */
function* mergeRows(group: number, rows: { lane: number; reader: JournalFrameReader }[]): Generator<JournalEntry> {
  while (rows.length > 0) {
    let first = 0;
    let next = Number.POSITIVE_INFINITY;
    for (let row = 0; row < rows.length; row++) {
      const { ordinal } = rows[row]!.reader;
      if (ordinal < rows[first]!.reader.ordinal) first = row;
    }
    for (let row = 0; row < rows.length; row++) {
      if (row !== first) next = Math.min(next, rows[row]!.reader.ordinal);
    }
    const { lane, reader } = rows[first]!;
    do {
      yield { lane, group, entry: reader.entry };
      if (!reader.next()) {
        rows.splice(first, 1);
        break;
      }
    } while (reader.ordinal < next);
  }
}
