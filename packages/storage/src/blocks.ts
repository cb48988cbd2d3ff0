import { BlockPages, type PageSource } from './block-pages.ts';
import { decodeDescriptor, encodeDescriptor, markerPages, markerValue, unknownPages } from './block-rows.ts';
import type { CommitLoop } from './commit-loop.ts';
import type { Engine, EngineOp, EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import type { WritableJournal } from './journal.ts';
import {
  blockMarkerKey,
  blockMarkers,
  descriptorKey,
  descriptors,
  idOfKey,
  laneMarkerKey,
  pageKey,
  stateKey,
} from './keys.ts';
import { framePage, PageBuffers } from './page-frame.ts';
import type { Sweeper } from './sweeper.ts';

/** A published block: immutable pages and what the database wants to know of them. */
export interface BlockInfo {
  readonly id: number;
  readonly kind: string;
  /** The database's own description: index, bounds, whatever it needs to find pages. */
  readonly descriptor: Uint8Array;
  /** Number of pages. */
  readonly pages: number;
  /** Bytes of all pages. */
  readonly sizeBytes: number;
  /** The lanes whose entries are in the block, those of blocks that it replaced included. */
  readonly sealedLanes: readonly number[];
}

export interface BlockReads {
  /** The blocks that are published and not removed, by rising id. */
  list(): readonly BlockInfo[];
  /**
   * Pages `first` to `first + count - 1`, checked. The bytes are shared with a cache and must not be changed.
   * @throws StorageError `not_found` (the block was removed), `corrupt` (names block and page), `unavailable`
   */
  readPages(blockId: number, first: number, count: number, signal?: AbortSignal): Promise<Uint8Array[]>;
}

export interface BlockStore extends BlockReads {
  /** Bytes of pages that it is worth to read before somebody asks: half of the cache in a folder, else none. */
  readonly readAheadBytes: number;
  /** Starts a block. Nothing of it is visible, or survives a restart, before {@link publish}. */
  create(kind: string): BlockWriter;
  /**
   * In one atomic step the block appears, and the lanes that it covers and the blocks that it replaces disappear.
   * Nothing can be appended to these lanes from the call on. Waits until the step is durable, without a deadline.
   */
  publish(writer: BlockWriter, options: PublishOptions): Promise<BlockInfo>;
  /**
   * Removes blocks in one atomic step; their pages are deleted in the background, after readers had time to finish.
   * Ids that are not there are ignored.
   */
  remove(ids: Iterable<number>): Promise<void>;
}

export interface PublishOptions {
  readonly descriptor: Uint8Array;
  readonly sealsLanes?: readonly number[];
  readonly replaces?: readonly number[];
}

export interface BlockWriter {
  readonly id: number;
  readonly kind: string;
  readonly pages: number;
  readonly sizeBytes: number;
  /**
   * Adds a page and answers its number, counted from 0. The bytes are copied before the call returns. Resolves as soon
   * as there is room for more, not when the page is durable: {@link BlockStore.publish} sees to that. With `isIndex` the
   * page is likely to be read soon: it is kept in the cache, and its bytes must not change afterwards.
   */
  writePage(bytes: Uint8Array, isIndex?: boolean): Promise<number>;
  /** Gives the block up; its pages are deleted in the background. */
  abort(): void;
}

/** What is known of the blocks before anything else happens. */
export interface BlockState {
  readonly blocks: readonly BlockInfo[];
  /** Blocks whose pages are garbage, with the number of their pages where it is known. */
  readonly garbage: readonly { readonly id: number; readonly pages: number | undefined }[];
  readonly nextId: number;
  /** Counts everything that changes the list of blocks. */
  readonly changes: number;
}

export interface BlockStoreOptions {
  readonly cacheBytes: number;
  /** How long readers may still use a block that was removed. */
  readonly removalGraceMs: number;
}

const blockStateKey = stateKey('blocks');
const pageBuffers = new PageBuffers();
/** Pages of a block that are stowed at a time: commits want the disk and the threads that write as well. */
const mostStowing = 2;

type BlockCounters = Pick<BlockState, 'nextId' | 'changes'>;

export async function readBlockCounters(engine: EngineReader): Promise<BlockCounters> {
  const row = await engine.get(blockStateKey);
  return row === undefined ? { nextId: 1, changes: 0 } : (JSON.parse(new TextDecoder().decode(row)) as BlockCounters);
}

export async function readBlockState(engine: EngineReader): Promise<BlockState> {
  const garbage: { id: number; pages: number | undefined }[] = [];
  for await (const { key, value } of engine.scan(blockMarkers)) {
    garbage.push({ id: idOfKey(key), pages: markerPages(value) });
  }
  return { blocks: await readDescriptors(engine), garbage, ...(await readBlockCounters(engine)) };
}

export async function readDescriptors(engine: EngineReader): Promise<BlockInfo[]> {
  const blocks: BlockInfo[] = [];
  for await (const { key, value } of engine.scan(descriptors)) blocks.push(decodeDescriptor(idOfKey(key), value));
  return blocks;
}

interface WriterHooks {
  readonly onAbort: (writer: BlockWriter) => void;
  readonly onIndex: (block: number, page: number, bytes: Uint8Array) => void;
}

class Writer implements BlockWriter {
  readonly id: number;
  readonly kind: string;
  pages = 0;
  sizeBytes = 0;
  state: 'open' | 'published' | 'aborted' = 'open';
  readonly #engine: Pick<Engine, 'stow'>;
  readonly #loop: CommitLoop;
  readonly #hooks: WriterHooks;
  /** Pages that are on their way to where the engine keeps them, the oldest first. */
  readonly #stowing: Promise<void>[] = [];

  constructor(id: number, kind: string, engine: Pick<Engine, 'stow'>, loop: CommitLoop, hooks: WriterHooks) {
    this.id = id;
    this.kind = kind;
    this.#engine = engine;
    this.#loop = loop;
    this.#hooks = hooks;
  }

  async writePage(bytes: Uint8Array, isIndex = false): Promise<number> {
    if (this.state !== 'open') throw new StorageError('internal', `block ${this.id} was ${this.state} already`);
    const page = this.pages++;
    if (isIndex) this.#hooks.onIndex(this.id, page, bytes);
    this.sizeBytes += bytes.length;
    const op = {
      key: pageKey(this.id, page),
      value: framePage(this.id, page, bytes, pageBuffers),
    };
    if (this.#engine.stow === undefined) this.#submit(op, op.value);
    else {
      this.#stowing.push(this.#stow(op, op.value));
      if (this.#stowing.length > mostStowing) await this.#stowing.shift();
    }
    await this.#loop.room();
    return page;
  }

  /** Resolves when all pages are handed to the loop. */
  async stowed(): Promise<void> {
    await Promise.all(this.#stowing);
  }

  async #stow(op: EngineOp, buffer: Uint8Array): Promise<void> {
    let row: EngineOp;
    try {
      row = await this.#engine.stow!(op);
    } catch {
      // Its commit tries again, and says what is wrong.
      row = op;
    }
    if (this.state === 'aborted') return;
    if (row !== op) pageBuffers.give(buffer);
    this.#submit(row, row === op ? buffer : undefined);
  }

  /** The buffer can be used again when the row is durable. */
  #submit(row: EngineOp, buffer: Uint8Array | undefined): void {
    // A failure means that the database is lost: room() and publish() say so.
    this.#loop.submit([row]).then(
      () => {
        if (buffer !== undefined) pageBuffers.give(buffer);
      },
      () => undefined,
    );
  }

  abort(): void {
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.#hooks.onAbort(this);
  }
}

export class WritableBlocks implements BlockStore {
  readonly #engine: EngineReader & Pick<Engine, 'stow'>;
  readonly #loop: CommitLoop;
  readonly #journal: WritableJournal;
  readonly #sweeper: Sweeper;
  readonly #options: BlockStoreOptions;
  readonly #pages: BlockPages;
  readonly #published = new Map<number, BlockInfo>();
  /** Removed, and still readable by those who started before. */
  readonly #leaving = new Map<number, BlockInfo>();
  #nextId: number;
  #changes: number;

  constructor(
    engine: EngineReader & Pick<Engine, 'stow'>,
    loop: CommitLoop,
    journal: WritableJournal,
    sweeper: Sweeper,
    state: BlockState,
    options: BlockStoreOptions,
  ) {
    this.#engine = engine;
    this.#loop = loop;
    this.#journal = journal;
    this.#sweeper = sweeper;
    this.#options = options;
    this.#nextId = state.nextId;
    this.#changes = state.changes;
    for (const block of state.blocks) this.#published.set(block.id, block);
    const source: PageSource = { engine, find: (id) => this.#published.get(id) ?? this.#leaving.get(id) };
    this.#pages = new BlockPages(source, options.cacheBytes);
    for (const { id, pages } of state.garbage) sweeper.addBlock(id, pages, options.removalGraceMs);
  }

  get cacheStats(): BlockPages['stats'] {
    return this.#pages.stats;
  }

  get readAheadBytes(): number {
    return this.#engine.stow === undefined ? 0 : Math.floor(this.#options.cacheBytes / 2);
  }

  list(): readonly BlockInfo[] {
    return [...this.#published.values()].sort((a, b) => a.id - b.id);
  }

  readPages(blockId: number, first: number, count: number, signal?: AbortSignal): Promise<Uint8Array[]> {
    return this.#pages.read(blockId, first, count, signal);
  }

  create(kind: string): BlockWriter {
    if (this.#loop.failure !== undefined) throw this.#loop.failure;
    const id = this.#nextId++;
    const marker = { key: blockMarkerKey(id), value: markerValue(unknownPages) };
    this.#loop.submit([marker, this.#counters()]).catch(() => undefined);
    return new Writer(id, kind, this.#engine, this.#loop, {
      onAbort: (writer) => this.#sweeper.addBlock(writer.id, writer.pages, 0),
      onIndex: (block, page, bytes) => this.#pages.keep(block, page, bytes),
    });
  }

  async publish(writer: BlockWriter, options: PublishOptions): Promise<BlockInfo> {
    if (!(writer instanceof Writer) || writer.state !== 'open') {
      throw new StorageError('internal', `block ${writer.id} cannot be published (again)`);
    }
    const replaced = this.#takeAll(options.replaces ?? []);
    const sealsLanes = options.sealsLanes ?? [];
    const afterGroup = this.#journal.seal(sealsLanes);
    const sealedLanes = [...sealsLanes, ...replaced.flatMap((block) => block.sealedLanes)];
    writer.state = 'published';
    const { id, kind, pages, sizeBytes } = writer;
    const block: BlockInfo = {
      id,
      kind,
      descriptor: new Uint8Array(options.descriptor),
      pages,
      sizeBytes,
      sealedLanes,
    };
    const ops: EngineOp[] = [
      { key: descriptorKey(id), value: encodeDescriptor(block) },
      { key: blockMarkerKey(id), value: undefined },
    ];
    for (const lane of sealsLanes) ops.push({ key: laneMarkerKey(lane), value: Uint8Array.of(1) });
    for (const old of replaced) pushRemoval(ops, old);
    await writer.stowed();
    this.#changes++;
    ops.push(this.#counters());
    await this.#loop.submit(ops, { afterGroup });
    this.#published.set(id, block);
    this.#leave(replaced);
    for (const lane of sealsLanes) this.#sweeper.addLane(lane);
    return block;
  }

  async remove(ids: Iterable<number>): Promise<void> {
    const removed = this.#takeAll([...new Set(ids)].filter((id) => this.#isListed(id)));
    if (removed.length === 0) return;
    const ops: EngineOp[] = [];
    for (const block of removed) pushRemoval(ops, block);
    this.#changes++;
    ops.push(this.#counters());
    await this.#loop.submit(ops);
    this.#leave(removed);
  }

  /** The pages of the block are deleted. */
  swept(id: number): void {
    this.#leaving.delete(id);
    this.#pages.forget(id);
  }

  #counters(): EngineOp {
    const counters: BlockCounters = { nextId: this.#nextId, changes: this.#changes };
    return { key: blockStateKey, value: new TextEncoder().encode(JSON.stringify(counters)) };
  }

  #isListed(id: number): boolean {
    return this.#published.has(id) && !this.#leaving.has(id);
  }

  /** Reserves blocks for removal, all or none: they stay listed until that is durable, but nobody else can remove them. */
  #takeAll(ids: readonly number[]): BlockInfo[] {
    const blocks = ids.map((id) => {
      const block = this.#published.get(id);
      if (block !== undefined && !this.#leaving.has(id)) return block;
      throw new StorageError('not_found', `block ${id} is not there`, { details: { block: id } });
    });
    for (const block of blocks) this.#leaving.set(block.id, block);
    return blocks;
  }

  #leave(blocks: readonly BlockInfo[]): void {
    for (const block of blocks) {
      this.#published.delete(block.id);
      this.#sweeper.addBlock(block.id, block.pages, this.#options.removalGraceMs);
    }
  }
}

function pushRemoval(ops: EngineOp[], block: BlockInfo): void {
  ops.push({ key: descriptorKey(block.id), value: undefined });
  ops.push({ key: blockMarkerKey(block.id), value: markerValue(block.pages) });
}
