import fc from 'fast-check';
import { expect } from 'vitest';
import type { EngineRow } from './engine.ts';
import { idOfKey, laneOfKey } from './keys.ts';
import type { Storage } from './storage.ts';

/*
 * A simple model of journal and blocks, and random walks that compare a real storage with it over crashes.
 */

export type Command =
  | { readonly type: 'append'; readonly lane: number; readonly size: number }
  | { readonly type: 'commit' }
  /** Appends that follow one another faster than they become durable. */
  | { readonly type: 'stream'; readonly lane: number; readonly turns: readonly number[] }
  | {
      readonly type: 'publish';
      readonly seal: boolean;
      readonly replace: boolean;
      readonly pages: number;
    }
  | { readonly type: 'abort'; readonly pages: number }
  | { readonly type: 'remove' }
  | { readonly type: 'sweep' }
  | { readonly type: 'restart' };

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ type: fc.constant('append' as const), lane: fc.nat(3), size: fc.nat(300) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('commit' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('stream' as const),
        lane: fc.nat(3),
        turns: fc.array(fc.nat(2), { minLength: 2, maxLength: 6 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('publish' as const),
        seal: fc.boolean(),
        replace: fc.boolean(),
        pages: fc.nat(4),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const), pages: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('sweep' as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const) }) },
  ),
  { minLength: 5, maxLength: 60 },
);

interface ModelEntry {
  readonly lane: number;
  readonly group: number;
  readonly text: string;
}

interface ModelBlock {
  readonly id: number;
  readonly pages: readonly string[];
  readonly seals: readonly number[];
  readonly replaces: readonly number[];
}

export interface WalkOptions {
  /** Opens the storage again on what is stored. `crashed`: the storage before was not closed. */
  readonly reopen: () => Promise<Storage>;
  /** All rows as stored, where the engine can tell. */
  readonly rows?: () => Iterable<EngineRow>;
}

/** Runs the commands; every error that a crash causes ends one life of the storage and starts the next. */
export async function walk(steps: readonly Command[], { reopen, rows }: WalkOptions): Promise<void> {
  let laneBase = 0;
  let counter = 0;
  /** Entries that are durable, or may be. */
  let entries: ModelEntry[] = [];
  let durableGroup = 0;
  const blocks = new Map<number, ModelBlock>();
  let unsure: { publish?: ModelBlock; removal?: number } = {};
  let storage = await reopenUntilItHolds();

  async function open(): Promise<Storage> {
    const opened = await reopen();
    const recovered: ModelEntry[] = [];
    for await (const { lane, group, entry } of opened.journal.recover()) {
      recovered.push({ lane, group, text: Buffer.from(entry).toString() });
    }
    settleUnsure(opened);
    const listed = opened.blocks.list().map(({ id }) => id);
    expect(listed).toEqual(alive().map(({ id }) => id));
    // Everything acknowledged is there, in order, once; of the rest whole groups, none of them behind a missing one.
    const last = Math.max(durableGroup, recovered.at(-1)?.group ?? 0);
    expect(recovered).toEqual(entries.filter(({ group }) => group <= last));
    expect(opened.journal.lastGroup).toBeGreaterThanOrEqual(last);
    expect([...opened.journal.lanes()]).toEqual([...new Set(recovered.map(({ lane }) => lane))].sort((a, b) => a - b));
    entries = recovered;
    durableGroup = opened.journal.lastGroup;
    return opened;
  }

  function alive(): ModelBlock[] {
    return [...blocks.values()].sort((a, b) => a.id - b.id);
  }

  /** What was under way at a crash has happened, or not; never half of it. */
  function settleUnsure(opened: Storage): void {
    const ids = new Set(opened.blocks.list().map(({ id }) => id));
    const { publish, removal } = unsure;
    if (publish !== undefined && ids.has(publish.id)) published(publish);
    if (removal !== undefined && !ids.has(removal)) blocks.delete(removal);
    unsure = {};
  }

  function published(block: ModelBlock): void {
    for (const id of block.replaces) blocks.delete(id);
    blocks.set(block.id, block);
    entries = entries.filter(({ lane }) => !block.seals.includes(lane));
  }

  async function publish(step: Command & { type: 'publish' }): Promise<void> {
    const writer = storage.blocks.create('test');
    const pages: string[] = [];
    for (let page = 0; page < step.pages; page++) {
      pages.push(`block ${writer.id} page ${page} ${'x'.repeat(page * 100)}`);
      expect(await writer.writePage(Buffer.from(pages[page]!))).toBe(page);
    }
    const seals = step.seal ? [laneBase, laneBase + 1] : [];
    if (step.seal) laneBase += 2;
    const replaces = step.replace
      ? alive()
          .slice(0, 2)
          .map(({ id }) => id)
      : [];
    const block = { id: writer.id, pages, seals, replaces };
    unsure = { publish: block };
    const descriptor = Buffer.from(`descriptor ${writer.id}`);
    await storage.blocks.publish(writer, { descriptor, sealsLanes: seals, replaces });
    unsure = {};
    published(block);
  }

  async function checkBlocks(): Promise<void> {
    expect(storage.blocks.list().map(({ id }) => id)).toEqual(alive().map(({ id }) => id));
    for (const info of storage.blocks.list()) {
      const block = blocks.get(info.id)!;
      expect(Buffer.from(info.descriptor).toString()).toBe(`descriptor ${info.id}`);
      const pages = await storage.blocks.readPages(info.id, 0, info.pages);
      expect(pages.map((page) => Buffer.from(page).toString())).toEqual(block.pages);
    }
  }

  function append(lane: number, size: number): number {
    const text = `${counter++} ${'e'.repeat(size)}`;
    const group = storage.journal.append(laneBase + lane, Buffer.from(text));
    entries.push({ lane: laneBase + lane, group, text });
    return group;
  }

  /** Each append is followed by so many turns of the event loop. */
  async function stream(lane: number, turns: readonly number[]): Promise<void> {
    const commits: Promise<void>[] = [];
    const committed = async (group: number): Promise<void> => {
      await storage.journal.committed(group);
      expect(group).toBeGreaterThanOrEqual(durableGroup);
      durableGroup = group;
    };
    for (const count of turns) {
      const commit = committed(append(lane, 20));
      commit.catch(() => undefined);
      commits.push(commit);
      for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(commits);
  }

  async function run(step: Command): Promise<void> {
    if (step.type === 'append') append(step.lane, step.size);
    else if (step.type === 'stream') await stream(step.lane, step.turns);
    else if (step.type === 'commit') {
      const group = storage.journal.lastGroup;
      await storage.journal.committed(group);
      durableGroup = group;
    } else if (step.type === 'publish') await publish(step);
    else if (step.type === 'abort') {
      const writer = storage.blocks.create('test');
      for (let page = 0; page < step.pages; page++) await writer.writePage(Buffer.from('given up'));
      writer.abort();
    } else if (step.type === 'remove') {
      const block = alive()[0];
      if (block === undefined) return;
      unsure = { removal: block.id };
      await storage.blocks.remove([block.id]);
      unsure = {};
      blocks.delete(block.id);
    } else if (step.type === 'sweep') {
      await storage.sweep();
      await checkBlocks();
    } else {
      await storage.close();
      durableGroup = storage.journal.lastGroup;
      storage = await open();
    }
  }

  for (const step of steps) {
    try {
      await run(step);
    } catch (error) {
      if ((error as { code?: string }).code !== 'internal' || !/crashed/.test((error as Error).message)) throw error;
      await storage.close().catch(() => undefined);
      storage = await reopenUntilItHolds();
    }
  }
  await storage.close().catch(() => undefined);
  storage = await reopenUntilItHolds();
  for (;;) {
    try {
      await storage.sweep();
      break;
    } catch {
      await storage.close().catch(() => undefined);
      storage = await reopenUntilItHolds();
    }
  }
  await checkBlocks();
  if (rows !== undefined) checkRows(rows());
  await storage.close();

  /** Opening may crash as well. */
  async function reopenUntilItHolds(): Promise<Storage> {
    for (;;) {
      try {
        return await open();
      } catch (error) {
        if (!/crashed|failed/.test((error as Error).message)) throw error;
      }
    }
  }

  /** After a sweep nothing is left but rows of live lanes and of live blocks. */
  function checkRows(stored: Iterable<EngineRow>): void {
    const pages: number[] = [];
    for (const { key } of stored) {
      const tag = key[0]!;
      if (tag === 2) expect(entries.some(({ lane }) => lane === laneOfKey(key))).toBe(true);
      else if (tag === 4) expect(blocks.has(idOfKey(key))).toBe(true);
      else if (tag === 6) pages.push(idOfKey(key));
      else expect(tag, 'a marker is left').toBeLessThan(2);
    }
    const expected = alive().flatMap(({ id, pages: texts }) => texts.map(() => id));
    expect(pages).toEqual(expected);
  }
}
